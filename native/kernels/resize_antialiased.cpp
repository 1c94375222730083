#include "kernels/resize_antialiased.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace onnx_cam::kernels {
namespace {

constexpr std::size_t kChannels = 3;
// 8 bits for the value, 2 of headroom for negative weights and overshoot.
constexpr int kPrecisionBits = 32 - 8 - 2;
constexpr std::int32_t kHalf = 1 << (kPrecisionBits - 1);

double triangle(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double keys(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

/// The source samples of consecutive target samples along one axis.
struct Taps {
  std::vector<std::size_t> first;
  std::vector<std::size_t> count;
  /// `stride` weights per target sample.
  std::vector<std::int32_t> weights;
  std::size_t stride = 0;
};

Taps tapsOf(std::size_t in, std::size_t out, std::size_t begin, std::size_t length, PictureFilter filter) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);
  const double support = (filter == PictureFilter::bicubic ? 2.0 : 1.0) * stretch;
  const double inverse = 1.0 / stretch;
  Taps taps;
  taps.stride = static_cast<std::size_t>(std::ceil(support)) * 2 + 1;
  taps.first.resize(length);
  taps.count.resize(length);
  taps.weights.resize(length * taps.stride);
  std::vector<double> weights(taps.stride);
  for (std::size_t i = 0; i < length; i++) {
    const double centre = (static_cast<double>(begin + i) + 0.5) * scale;
    const double low = std::max(0.0, std::trunc(centre - support + 0.5));
    const double high = std::min(static_cast<double>(in), std::trunc(centre + support + 0.5));
    const std::size_t first = static_cast<std::size_t>(low);
    const std::size_t count = static_cast<std::size_t>(high) - first;
    double sum = 0;
    for (std::size_t j = 0; j < count; j++) {
      const double distance = (static_cast<double>(j) + low - centre + 0.5) * inverse;
      weights[j] = filter == PictureFilter::bicubic ? keys(distance) : triangle(distance);
      sum += weights[j];
    }
    for (std::size_t j = 0; j < count; j++) {
      const double weight = (sum != 0.0 ? weights[j] / sum : weights[j]) * (1 << kPrecisionBits);
      taps.weights[i * taps.stride + j] = static_cast<std::int32_t>(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    taps.first[i] = first;
    taps.count[i] = count;
  }
  return taps;
}

std::uint8_t toByte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

/// One row of pixels, resized along x.
void resizeRow(const std::uint8_t* row, const Taps& taps, std::uint8_t* out) {
  for (std::size_t x = 0; x < taps.first.size(); x++) {
    const std::uint8_t* source = row + taps.first[x] * kChannels;
    const std::int32_t* weights = &taps.weights[x * taps.stride];
    std::int32_t red = kHalf, green = kHalf, blue = kHalf;
    for (std::size_t j = 0; j < taps.count[x]; j++, source += kChannels) {
      red += source[0] * weights[j];
      green += source[1] * weights[j];
      blue += source[2] * weights[j];
    }
    out[0] = toByte(red);
    out[1] = toByte(green);
    out[2] = toByte(blue);
    out += kChannels;
  }
}

/// One row of the result from the rows that it blends.
void blendRows(const std::uint8_t* rows, std::size_t bytes, const std::int32_t* weights, std::size_t count,
               std::vector<std::int32_t>& sums, std::uint8_t* out) {
  std::fill(sums.begin(), sums.end(), kHalf);
  for (std::size_t j = 0; j < count; j++, rows += bytes) {
    const std::int32_t weight = weights[j];
    for (std::size_t i = 0; i < bytes; i++) sums[i] += rows[i] * weight;
  }
  for (std::size_t i = 0; i < bytes; i++) out[i] = toByte(sums[i]);
}

/// The source samples of target samples begin … begin + length − 1. Summed up, not multiplied, since Pillow does so and
/// its rounding decides where a centre falls on the border of two samples.
std::vector<std::size_t> nearestOf(std::size_t in, std::size_t out, std::size_t begin, std::size_t length) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  std::vector<std::size_t> at(length);
  double centre = scale * 0.5;
  for (std::size_t i = 0; i < begin + length; i++, centre += scale) {
    if (i >= begin) at[i - begin] = std::min(in - 1, static_cast<std::size_t>(centre));
  }
  return at;
}

void resizeNearest(const std::uint8_t* picture, PictureSize from, PictureSize to, PictureWindow window,
                   std::uint8_t* out) {
  const std::vector<std::size_t> columns = nearestOf(from.width, to.width, window.x, window.width);
  for (const std::size_t y : nearestOf(from.height, to.height, window.y, window.height)) {
    const std::uint8_t* row = picture + y * from.width * kChannels;
    for (const std::size_t x : columns) {
      std::memcpy(out, row + x * kChannels, kChannels);
      out += kChannels;
    }
  }
}

}  // namespace

void resizeAntialiased(const std::uint8_t* picture, PictureSize from, PictureSize to, PictureWindow window,
                       PictureFilter filter, std::uint8_t* out) {
  if (filter == PictureFilter::nearest) return resizeNearest(picture, from, to, window, out);
  const bool sameWidth = from.width == to.width, sameHeight = from.height == to.height;
  const Taps rows = tapsOf(from.height, to.height, window.y, window.height, filter);
  // The rows of the picture that the window depends on.
  const std::size_t top = sameHeight ? window.y : rows.first.front();
  const std::size_t bottom = sameHeight ? window.y + window.height : rows.first.back() + rows.count.back();
  const std::size_t bytes = window.width * kChannels;

  std::vector<std::uint8_t> stretched;
  std::uint8_t* narrow = out;
  if (!sameHeight) {
    stretched.resize((bottom - top) * bytes);
    narrow = stretched.data();
  }
  const Taps columns = tapsOf(from.width, to.width, window.x, window.width, filter);
  for (std::size_t y = top; y < bottom; y++) {
    const std::uint8_t* row = picture + y * from.width * kChannels;
    std::uint8_t* target = narrow + (y - top) * bytes;
    if (sameWidth) {
      std::memcpy(target, row + window.x * kChannels, bytes);
    } else {
      resizeRow(row, columns, target);
    }
  }
  if (sameHeight) return;

  std::vector<std::int32_t> sums(bytes);
  for (std::size_t y = 0; y < window.height; y++) {
    blendRows(narrow + (rows.first[y] - top) * bytes, bytes, &rows.weights[y * rows.stride], rows.count[y], sums,
              out + y * bytes);
  }
}

}  // namespace onnx_cam::kernels
