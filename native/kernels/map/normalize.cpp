#include "kernels/map/normalize.hpp"

#include <limits>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

struct Range {
  float low;
  float high;
  bool nan;
};

Range rangeOf(const float* map, std::size_t positions) {
  // Independent lanes, so that the compiler may keep them in a register: min and max are not associative with NaN.
  constexpr std::size_t kWidth = 16;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float low[kWidth], high[kWidth];
  int nan[kWidth] = {};
  for (std::size_t j = 0; j < kWidth; j++) {
    low[j] = kInfinity;
    high[j] = -kInfinity;
  }
  std::size_t i = 0;
  for (; i + kWidth <= positions; i += kWidth) {
    for (std::size_t j = 0; j < kWidth; j++) {
      const float value = map[i + j];
      low[j] = value < low[j] ? value : low[j];
      high[j] = value > high[j] ? value : high[j];
      nan[j] |= value != value;
    }
  }
  Range range{kInfinity, -kInfinity, false};
  const auto add = [&range](float value) {
    range.low = value < range.low ? value : range.low;
    range.high = value > range.high ? value : range.high;
    range.nan |= value != value;
  };
  for (; i < positions; i++) add(map[i]);
  for (std::size_t j = 0; j < kWidth; j++) {
    if (low[j] <= range.low) range.low = low[j];
    if (high[j] >= range.high) range.high = high[j];
    range.nan |= nan[j] != 0;
  }
  return range;
}

void normalizeMap(const float* map, std::size_t positions, float epsilon, bool relu, float* out) {
  Range range = rangeOf(map, positions);
  if (range.nan) {
    for (std::size_t i = 0; i < positions; i++) out[i] = std::numeric_limits<float>::quiet_NaN();
    return;
  }
  if (relu) {
    range.low = range.low < 0 ? 0 : range.low;
    range.high = range.high < 0 ? 0 : range.high;
  }
  if (range.low == range.high) {
    for (std::size_t i = 0; i < positions; i++) out[i] = 0;
    return;
  }
  const float low = range.low, divisor = range.high - range.low + epsilon, floor = relu ? 0 : low;
  for (std::size_t i = 0; i < positions; i++) {
    const float value = map[i] < floor ? floor : map[i];
    out[i] = (value - low) / divisor;
  }
}

}  // namespace

void normalizeMaps(const float* maps, std::size_t count, std::size_t positions, float epsilon, bool relu, float* out) {
  parallelFor(count, grainFor(2 * positions), [=](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; n++) {
      normalizeMap(maps + n * positions, positions, epsilon, relu, out + n * positions);
    }
  });
}

}  // namespace onnx_cam::kernels
