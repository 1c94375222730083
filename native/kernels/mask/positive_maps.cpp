#include "kernels/mask/positive_maps.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/base/parallel.hpp"
#include "kernels/mask/clip_maps.hpp"

namespace onnx_cam::kernels {

void positiveMaps(const float* maps, std::size_t count, std::size_t positions, double q, float* out) {
  parallelFor(count, grainFor((q > 0 ? 20 : 2) * positions), [=](std::size_t begin, std::size_t end) {
    std::vector<float> sorted(q > 0 ? positions : 0);
    for (std::size_t n = begin; n < end; n++) {
      float* map = out + n * positions;
      // The comparison leaves NaN alone.
      std::transform(maps + n * positions, maps + (n + 1) * positions, map,
                     [](float value) { return value < 0 ? 0 : value; });
      if (!(q > 0) || std::any_of(map, map + positions, [](float value) { return std::isnan(value); })) continue;
      std::copy_n(map, positions, sorted.begin());
      const double threshold = percentile(sorted.data(), positions, q);
      std::replace_if(map, map + positions, [threshold](float value) { return value < threshold; }, 0.0f);
    }
  });
}

}  // namespace onnx_cam::kernels
