#include "kernels/map/place_maps.hpp"

#include <algorithm>
#include <vector>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

constexpr std::size_t kOperationsPerPixel = 4;

struct Tap {
  std::size_t low;
  std::size_t high;
  float weight;  // of high
};

std::vector<Tap> tapsOf(const AxisPlacement& axis) {
  std::vector<Tap> taps;
  taps.reserve(axis.end - axis.begin);
  const double last = static_cast<double>(axis.mapLength - 1);
  for (std::size_t i = axis.begin; i < axis.end; i++) {
    const double at = std::clamp((static_cast<double>(i) + 0.5) * axis.scale + axis.offset - 0.5, 0.0, last);
    const std::size_t low = static_cast<std::size_t>(at);
    taps.push_back({low, std::min(low + 1, axis.mapLength - 1), static_cast<float>(at - static_cast<double>(low))});
  }
  return taps;
}

}  // namespace

void placeMaps(const float* maps, std::size_t count, const AxisPlacement& x, const AxisPlacement& y, float* out) {
  const std::vector<Tap> columns = tapsOf(x), rows = tapsOf(y);
  const std::size_t width = columns.size();
  std::vector<float> stretched(y.mapLength * width);
  for (std::size_t n = 0; n < count; n++) {
    const float* map = maps + n * x.mapLength * y.mapLength;
    for (std::size_t row = 0; row < y.mapLength; row++) {
      const float* source = map + row * x.mapLength;
      float* target = &stretched[row * width];
      for (std::size_t i = 0; i < width; i++) {
        const Tap& tap = columns[i];
        target[i] = (1 - tap.weight) * source[tap.low] + tap.weight * source[tap.high];
      }
    }
    float* result = out + n * x.length * y.length;
    parallelFor(y.length, grainFor(kOperationsPerPixel * x.length), [&](std::size_t begin, std::size_t end) {
      for (std::size_t row = begin; row < end; row++) {
        float* target = result + row * x.length;
        if (row < y.begin || row >= y.end) {
          std::fill_n(target, x.length, 0.0f);
          continue;
        }
        const Tap& tap = rows[row - y.begin];
        const float* low = stretched.data() + tap.low * width;
        const float* high = stretched.data() + tap.high * width;
        target = std::fill_n(target, x.begin, 0.0f);
        for (std::size_t i = 0; i < width; i++) target[i] = (1 - tap.weight) * low[i] + tap.weight * high[i];
        std::fill_n(target + width, x.length - x.end, 0.0f);
      }
    });
  }
}

}  // namespace onnx_cam::kernels
