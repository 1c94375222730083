#include "kernels/decompose/kernel_pca.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/decompose/channel_rows.hpp"
#include "kernels/decompose/gram.hpp"
#include "kernels/decompose/leading_eigenpair.hpp"
#include "kernels/decompose/principal_component.hpp"

namespace onnx_cam::kernels {
namespace {

// Images of fewer positions are decomposed side by side; their matrices (8 MiB each at most) fit into memory together.
constexpr std::size_t kSmallImage = 1024;
// Positions whose products with a sample are summed in step: rows are padded to whole blocks.
constexpr std::size_t kBlock = kGramPadding;
// Channels whose products are added in float, as in gram.hpp.
constexpr std::size_t kFloatSum = 64;
// Samples between two looks at the interruption.
constexpr std::size_t kSamplesPerLook = 64;

double kernelValue(PcaKernel kernel, double gamma, double product, double squareI, double squareJ) {
  switch (kernel) {
    case PcaKernel::linear:
      return product;
    case PcaKernel::sigmoid:
      return std::tanh(gamma * product + 1);
    case PcaKernel::rbf:
      return std::exp(-gamma * std::max(squareI + squareJ - 2 * product, 0.0));
    case PcaKernel::poly: {
      const double base = gamma * product + 1;
      return base * base * base;
    }
    case PcaKernel::cosine:
      return product / ((squareI > 0 ? std::sqrt(squareI) : 1) * (squareJ > 0 ? std::sqrt(squareJ) : 1));
  }
  return product;
}

/// Turns dot products into kernel values; returns the largest size among them.
double applyKernel(PcaKernel kernel, double gamma, std::size_t size, std::vector<double>& matrix) {
  std::vector<double> squares(size), largest(size, 0.0);
  for (std::size_t i = 0; i < size; i++) squares[i] = matrix[i * size + i];
  // A tanh counts as 16 operations. Entry (i, j) with j ≥ i also fills (j, i): no other row touches these two.
  parallelFor(size, grainFor(16 * size), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      checkInterruption();
      for (std::size_t j = i; j < size; j++) {
        const double value = kernelValue(kernel, gamma, matrix[i * size + j], squares[i], squares[j]);
        matrix[i * size + j] = matrix[j * size + i] = value;
        largest[i] = std::max(largest[i], std::abs(value));
      }
    }
  });
  return *std::max_element(largest.begin(), largest.end());
}

/// Means of the columns; their own mean comes last. Twice, the second time of what the first left: else the rounding of
/// thousands of equal values would pass for a component.
std::vector<double> columnMeans(std::size_t size, const std::vector<double>& matrix) {
  const double count = static_cast<double>(size);
  std::vector<double> means(size + 1, 0.0);
  for (int pass = 0; pass < 2; pass++) {
    std::vector<double> sums(size, 0.0);
    for (std::size_t i = 0; i < size; i++) {
      checkInterruption();
      for (std::size_t j = 0; j < size; j++) sums[j] += matrix[i * size + j] - means[j];
    }
    for (std::size_t j = 0; j < size; j++) means[j] += sums[j] / count;
  }
  for (int pass = 0; pass < 2; pass++) {
    double sum = 0;
    for (std::size_t j = 0; j < size; j++) sum += means[j] - means[size];
    means[size] += sum / count;
  }
  return means;
}

void centreBothWays(std::size_t size, const std::vector<double>& means, std::vector<double>& matrix) {
  for (std::size_t i = 0; i < size; i++) {
    checkInterruption();
    for (std::size_t j = 0; j < size; j++) matrix[i * size + j] += means[size] - means[i] - means[j];
  }
}

/// The first component of some vectors.
struct Component {
  /// NaN where something is not finite; 0 where there is no component.
  double value = 0;
  std::vector<double> vector;
  /// Of the kernel matrix before it was centred.
  std::vector<double> means;
  /// |x_i|²
  std::vector<double> squares;
};

/// Of the `count` columns of X [channels, gramStride(count)].
Component firstComponent(PcaKernel kernel, double gamma, const std::vector<float>& columns, std::size_t channels,
                         std::size_t count) {
  Component result;
  std::vector<double> matrix(count * count);
  gramMatrix(columns.data(), channels, count, matrix.data());
  double trace = 0;
  for (std::size_t i = 0; i < count; i++) {
    result.squares.push_back(matrix[i * count + i]);
    trace += result.squares.back();
  }
  const double largest = std::isfinite(trace) ? applyKernel(kernel, gamma, count, matrix) : trace;
  if (!std::isfinite(largest)) {
    result.value = std::numeric_limits<double>::quiet_NaN();
    return result;
  }
  result.means = columnMeans(count, matrix);
  centreBothWays(count, result.means, matrix);
  Eigenpair pair = leadingEigenpair(matrix.data(), count);
  const double noise = 16 * std::numeric_limits<double>::epsilon() * static_cast<double>(count) * largest;
  if (pair.value <= noise) return result;
  result.value = pair.value;
  result.vector = std::move(pair.vector);
  return result;
}

/// Turns the entry of largest size positive.
void writeMap(const std::vector<double>& exact, float* map) {
  const auto [low, high] = std::minmax_element(exact.begin(), exact.end());
  const double factor = -*low > *high ? -1 : 1;
  std::transform(exact.begin(), exact.end(), map,
                 [factor](double value) { return static_cast<float>(factor * value); });
}

void exactKernelPca(PcaKernel kernel, double gamma, const float* activations, std::size_t channels,
                    std::size_t positions, float* map) {
  const Component first = firstComponent(
      kernel, gamma, channelRows(activations, nullptr, false, true, channels, positions), channels, positions);
  if (first.vector.empty()) {
    std::fill_n(map, positions, static_cast<float>(first.value));
    return;
  }
  std::vector<double> exact(positions);
  for (std::size_t i = 0; i < positions; i++) exact[i] = std::sqrt(first.value) * first.vector[i];
  writeMap(exact, map);
}

/// One position of each of `samples` equal stretches, at a place that shifts from stretch to stretch by the golden ratio,
/// so that a picture's columns are all met.
std::vector<std::size_t> samplesOf(std::size_t positions, std::size_t samples) {
  constexpr double kGoldenRatio = 0.6180339887498949;
  std::vector<std::size_t> chosen(samples);
  const double stretch = static_cast<double>(positions) / static_cast<double>(samples);
  for (std::size_t i = 0; i < samples; i++) {
    const double turns = static_cast<double>(i) * kGoldenRatio;
    const double at = (static_cast<double>(i) + turns - std::floor(turns)) * stretch;
    chosen[i] = std::min(static_cast<std::size_t>(at), positions - 1);
  }
  return chosen;
}

/// x_i·s for kBlock positions i from `first` on, of rows [channels, stride].
void blockProducts(const float* rows, std::size_t stride, std::size_t first, const float* sample, std::size_t channels,
                   double* products) {
  std::fill_n(products, kBlock, 0.0);
  for (std::size_t from = 0; from < channels; from += kFloatSum) {
    float sums[kBlock] = {};
    for (std::size_t k = from; k < std::min(from + kFloatSum, channels); k++) {
      const float factor = sample[k];
      const float* row = rows + k * stride + first;
      for (std::size_t i = 0; i < kBlock; i++) sums[i] += factor * row[i];
    }
    for (std::size_t i = 0; i < kBlock; i++) products[i] += sums[i];
  }
}

}  // namespace

void sampledKernelPca(PcaKernel kernel, double gamma, const float* activations, std::size_t channels,
                      std::size_t positions, std::size_t samples, float* map) {
  const std::size_t stride = gramStride(positions), blocks = (positions + kBlock - 1) / kBlock;
  const std::vector<float> rows = channelRows(activations, nullptr, false, true, channels, positions);
  const std::vector<std::size_t> chosen = samplesOf(positions, samples);
  std::vector<float> columns(channels * gramStride(samples)), vectors(samples * channels);
  for (std::size_t k = 0; k < channels; k++) {
    checkInterruption();
    for (std::size_t j = 0; j < samples; j++) {
      columns[k * gramStride(samples) + j] = vectors[j * channels + k] = rows[k * stride + chosen[j]];
    }
  }
  const Component first = firstComponent(kernel, gamma, columns, channels, samples);
  if (first.vector.empty()) {
    std::fill_n(map, positions, static_cast<float>(first.value));
    return;
  }
  // The vector is orthogonal to the constant one, so that centring k(x, ·) leaves nothing of the means but this.
  double shift = 0;
  for (std::size_t j = 0; j < samples; j++) shift += first.vector[j] * first.means[j];
  std::vector<double> exact(blocks * kBlock);
  parallelFor(blocks, grainFor(kBlock * samples * (channels / 8 + 16)), [&](std::size_t begin, std::size_t end) {
    double products[kBlock], squares[kBlock];
    for (std::size_t block = begin; block < end; block++) {
      double* sums = &exact[block * kBlock];
      std::fill_n(squares, kBlock, 0.0);
      for (std::size_t k = 0; k < channels; k++) {
        const float* row = &rows[k * stride + block * kBlock];
        for (std::size_t i = 0; i < kBlock; i++) squares[i] += static_cast<double>(row[i]) * row[i];
      }
      for (std::size_t j = 0; j < samples; j++) {
        if (j % kSamplesPerLook == 0) checkInterruption();
        blockProducts(rows.data(), stride, block * kBlock, &vectors[j * channels], channels, products);
        for (std::size_t i = 0; i < kBlock; i++) {
          sums[i] += first.vector[j] * kernelValue(kernel, gamma, products[i], squares[i], first.squares[j]);
        }
      }
      for (std::size_t i = 0; i < kBlock; i++) sums[i] = (sums[i] - shift) / std::sqrt(first.value);
    }
  });
  exact.resize(positions);
  if (!std::all_of(exact.begin(), exact.end(), [](double value) { return std::isfinite(value); })) {
    std::fill_n(map, positions, std::numeric_limits<float>::quiet_NaN());
    return;
  }
  writeMap(exact, map);
}

void kernelPca(PcaKernel kernel, double gamma, const float* activations, Shape shape, float* maps) {
  const std::size_t channels = shape.channels, positions = shape.positions;
  const auto solve = [=](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; n++) {
      const float* image = activations + n * shape.perImage();
      float* map = maps + n * positions;
      if (positions <= kMostSamples) {
        exactKernelPca(kernel, gamma, image, channels, positions, map);
      } else if (kernel == PcaKernel::linear) {
        principalComponent({image, 0}, {}, true, SignRule::largest, {1, channels, positions}, map);
      } else {
        sampledKernelPca(kernel, gamma, image, channels, positions, kMostSamples, map);
      }
    }
  };
  if (positions > kSmallImage) return solve(0, shape.images);
  parallelFor(shape.images, 1, solve);
}

}  // namespace onnx_cam::kernels
