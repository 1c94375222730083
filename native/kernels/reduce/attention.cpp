#include "kernels/reduce/attention.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

/// max(value, 0) that keeps NaN.
double positive(double value) { return value < 0 ? 0 : value; }

double fused(FuseHeads fuse, double so_far, double value) {
  // A NaN on either side stays.
  if (std::isnan(so_far) || std::isnan(value)) return std::nan("");
  switch (fuse) {
    case FuseHeads::maximum:
      return std::max(so_far, value);
    case FuseHeads::minimum:
      return std::min(so_far, value);
    default:
      return so_far + value;
  }
}

void fuseHeads(FuseHeads fuse, const float* attention, const float* gradients, std::size_t heads, std::size_t size,
               float* out) {
  const bool mean = fuse == FuseHeads::mean || fuse == FuseHeads::positiveMean;
  const double divisor = mean ? static_cast<double>(heads) : 1;
  parallelFor(size, grainFor(4 * heads), [=](std::size_t begin, std::size_t end) {
    const auto valueOf = [=](std::size_t at) {
      const double value = gradients == nullptr ? attention[at] : static_cast<double>(attention[at]) * gradients[at];
      return fuse == FuseHeads::positiveMean ? positive(value) : value;
    };
    for (std::size_t i = begin; i < end; i++) {
      double value = valueOf(i);
      for (std::size_t h = 1; h < heads; h++) value = fused(fuse, value, valueOf(h * size + i));
      out[i] = static_cast<float>(gradients == nullptr ? value / divisor : positive(value / divisor));
    }
  });
}

/// NaN counts as the largest value.
bool isLower(float a, float b) { return a < b || (std::isnan(b) && !std::isnan(a)); }

void discardLowest(float* values, std::size_t size, double ratio, bool keepFirst) {
  const auto count = static_cast<std::size_t>(static_cast<double>(size) * ratio);
  if (count == 0) return;
  std::vector<float> sorted(values, values + size);
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count - 1), sorted.end(), isLower);
  const float limit = sorted[count - 1];
  std::size_t equal = count - static_cast<std::size_t>(std::count_if(
                                  values, values + size, [limit](float value) { return isLower(value, limit); }));
  for (std::size_t i = 0; i < size; i++) {
    const bool tied = values[i] == limit && equal > 0;
    if (tied) equal--;
    const bool lowest = tied || (isLower(values[i], limit) && !std::isnan(values[i]));
    if (lowest && !(keepFirst && i == 0)) values[i] = 0;
  }
}

}  // namespace

void rollAttention(const AttentionRoll& roll, const double* row, const float* attention, const float* gradients,
                   std::size_t heads, std::size_t tokens, double* out) {
  const std::size_t size = tokens * tokens;
  std::vector<float> matrix(size);
  fuseHeads(roll.fuse, attention, gradients, heads, size, matrix.data());
  discardLowest(matrix.data(), size, roll.discard, roll.keepFirst);
  if (roll.normalized) {
    std::fill_n(out, tokens, 0);
  } else {
    std::copy_n(row, tokens, out);
  }
  for (std::size_t i = 0; i < tokens; i++) {
    double factor = row[i];
    if (factor == 0) continue;
    const float* from = matrix.data() + i * tokens;
    if (roll.normalized) {
      double sum = 1;
      for (std::size_t j = 0; j < tokens; j++) sum += from[j];
      factor /= sum;
      out[i] += factor;
    }
    for (std::size_t j = 0; j < tokens; j++) out[j] += factor * from[j];
  }
}

void positiveRows(const float* gradients, std::size_t rows, std::size_t keys, Patches patches, double* out) {
  std::fill_n(out, patches.count, 0);
  for (std::size_t row = 0; row < rows; row++) {
    const float* from = gradients + row * keys + patches.prefix;
    for (std::size_t p = 0; p < patches.count; p++) out[p] += positive(from[p]);
  }
}

void attentionGradCam(const float* attention, const float* gradients, std::size_t heads, std::size_t queries,
                      std::size_t keys, std::size_t rows, Patches patches, float* out) {
  const double size = static_cast<double>(patches.count), averaged = static_cast<double>(rows);
  std::vector<double> sums(patches.count), a(patches.count);
  for (std::size_t h = 0; h < heads; h++) {
    std::fill(a.begin(), a.end(), 0);
    double weight = 0;
    for (std::size_t q = 0; q < rows; q++) {
      const std::size_t start = (h * queries + q) * keys + patches.prefix;
      for (std::size_t p = 0; p < patches.count; p++) {
        a[p] += attention[start + p] / averaged;
        weight += gradients[start + p] / averaged;
      }
    }
    weight /= size * static_cast<double>(heads);
    for (std::size_t p = 0; p < patches.count; p++) sums[p] += weight * a[p];
  }
  std::copy(sums.begin(), sums.end(), out);
}

}  // namespace onnx_cam::kernels
