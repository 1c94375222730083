#include "kernels/map/combine_maps.hpp"

#include <cmath>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

template <typename Combine>
void combine(const std::vector<const float*>& maps, std::size_t size, double divisor, float* out, Combine join) {
  parallelFor(size, grainFor(4 * maps.size()), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      double value = maps[0][i];
      for (std::size_t l = 1; l < maps.size(); l++) value = join(value, static_cast<double>(maps[l][i]));
      out[i] = static_cast<float>(value / divisor);
    }
  });
}

}  // namespace

void combineMaps(Combination combination, const std::vector<const float*>& maps, std::size_t size, float* out) {
  const auto plus = [](double a, double b) { return a + b; };
  switch (combination) {
    case Combination::mean:
      return combine(maps, size, static_cast<double>(maps.size()), out, plus);
    case Combination::sum:
      return combine(maps, size, 1, out, plus);
    case Combination::product:
      return combine(maps, size, 1, out, [](double a, double b) { return a * b; });
    case Combination::maximum:
      return combine(maps, size, 1, out, [](double a, double b) { return b > a || std::isnan(b) ? b : a; });
  }
}

}  // namespace onnx_cam::kernels
