#include "kernels/map/scale_by_maximum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {

void scaleByMaximum(const float* maps, std::size_t count, std::size_t positions, float* out) {
  parallelFor(count, grainFor(4 * positions), [=](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; n++) {
      const float* map = maps + n * positions;
      float* target = out + n * positions;
      if (std::any_of(map, map + positions, [](float value) { return std::isnan(value); })) {
        std::fill_n(target, positions, std::numeric_limits<float>::quiet_NaN());
        continue;
      }
      const auto [least, most] = std::minmax_element(map, map + positions);
      const double low = std::max(*least, 0.0f), high = std::max(*most, 0.0f);
      for (std::size_t i = 0; i < positions; i++) {
        target[i] = high == 0 ? 0 : static_cast<float>((std::max(map[i], 0.0f) - low) / high);
      }
    }
  });
}

}  // namespace onnx_cam::kernels
