#include "kernels/map/colour_maps.hpp"

#include <cmath>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {

void maskColours(const float* values, const float* masks, Shape shape, float* out) {
  const std::size_t positions = shape.positions;
  parallelFor(shape.images * shape.channels, grainFor(2 * positions), [=](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; row++) {
      const float* mask = masks + row / shape.channels * positions;
      for (std::size_t i = 0; i < positions; i++) out[row * positions + i] = values[row * positions + i] * mask[i];
    }
  });
}

void colourStrength(const float* values, Shape shape, float* out) {
  const std::size_t positions = shape.positions;
  parallelFor(shape.images * positions, grainFor(2 * shape.channels), [=](std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at < end; at++) {
      const float* value = values + at / positions * shape.perImage() + at % positions;
      double sum = 0;
      for (std::size_t c = 0; c < shape.channels; c++) sum += std::abs(value[c * positions]);
      out[at] = static_cast<float>(sum);
    }
  });
}

}  // namespace onnx_cam::kernels
