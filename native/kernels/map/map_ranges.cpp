#include "kernels/map/map_ranges.hpp"

#include <limits>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {

void mapRanges(const float* maps, std::size_t count, std::size_t positions, float* out) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  parallelFor(count, grainFor(3 * positions), [=](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; n++) {
      float low = kInfinity, high = -kInfinity;
      bool finite = true;
      for (std::size_t i = n * positions; i < (n + 1) * positions; i++) {
        const float value = maps[i];
        // NaN answers no to all comparisons.
        const bool own = value > -kInfinity && value < kInfinity;
        low = own && value < low ? value : low;
        high = own && value > high ? value : high;
        finite &= own;
      }
      out[3 * n] = low;
      out[3 * n + 1] = high;
      out[3 * n + 2] = finite ? 1 : 0;
    }
  });
}

}  // namespace onnx_cam::kernels
