#include "kernels/mask/clip_maps.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {

double percentile(float* values, std::size_t count, double q) {
  const double position = q / 100 * static_cast<double>(count - 1);
  const auto below = static_cast<std::size_t>(position);
  float* low = values + below;
  std::nth_element(values, low, values + count);
  const double fraction = position - static_cast<double>(below);
  if (fraction == 0 || below + 1 == count) return *low;
  const double high = *std::min_element(low + 1, values + count);
  return *low + fraction * (high - *low);
}

void clipMaps(const float* maps, std::size_t count, std::size_t positions, double low, double high, float* out) {
  parallelFor(count, grainFor(20 * positions), [&](std::size_t begin, std::size_t end) {
    std::vector<float> sorted(positions);
    for (std::size_t n = begin; n < end; n++) {
      checkInterruption();
      const float* map = maps + n * positions;
      float* target = out + n * positions;
      if (std::any_of(map, map + positions, [](float value) { return std::isnan(value); })) {
        std::fill_n(target, positions, std::numeric_limits<float>::quiet_NaN());
        continue;
      }
      std::copy_n(map, positions, sorted.begin());
      const double bottom = percentile(sorted.data(), positions, low);
      const double divisor = std::max(percentile(sorted.data(), positions, high), 1e-12);
      for (std::size_t i = 0; i < positions; i++) {
        target[i] = static_cast<float>(std::clamp((map[i] - bottom) / divisor, 0.0, 1.0));
      }
    }
  });
}

}  // namespace onnx_cam::kernels
