#include "kernels/map/change_values.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

template <typename Change>
void transform(const float* values, std::size_t count, std::size_t operations, float* out, Change change) {
  parallelFor(count, grainFor(operations), [=](std::size_t begin, std::size_t end) {
    std::transform(values + begin, values + end, out + begin, change);
  });
}

}  // namespace

void changeValues(ValueChange change, const float* values, std::size_t count, float* out) {
  switch (change) {
    case ValueChange::absolute:
      return transform(values, count, 1, out, [](float value) { return std::abs(value); });
    case ValueChange::positive:
      // The comparison leaves NaN alone.
      return transform(values, count, 1, out, [](float value) { return value < 0 ? 0 : value; });
    case ValueChange::tanhOfDouble:
      return transform(values, count, 30, out,
                       [](float value) { return static_cast<float>(std::tanh(2 * static_cast<double>(value))); });
  }
}

void gateGradients(Features activations, Gradients gradients, Shape shape, float* out) {
  const std::size_t positions = shape.positions;
  parallelFor(shape.images * shape.channels, grainFor(3 * positions), [=](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; row++) {
      const std::size_t n = row / shape.channels, k = row % shape.channels;
      const float* a = activations.image(n) + k * positions;
      const float* g = gradients.image(n) + k * (gradients.lazy ? 1 : positions);
      for (std::size_t i = 0; i < positions; i++) {
        const float gradient = g[gradients.lazy ? 0 : i];
        out[row * positions + i] = gradient * a[i] > 0 ? gradient : 0;
      }
    }
  });
}

}  // namespace onnx_cam::kernels
