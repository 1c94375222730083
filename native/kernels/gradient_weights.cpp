#include "kernels/gradient_weights.hpp"

#include <cstddef>
#include <cstring>

#include "kernels/parallel.hpp"
#include "kernels/tier.hpp"

namespace onnx_cam::kernels {
namespace {

#define ONNX_CAM_KERNEL "kernels/gradient_weights.inl"
#include "kernels/each_tier.inl"

/// Calls rows(activations, gradients, channels, weights) for parts of each image's channels.
template <class Rows>
void forChannels(Features activations, Gradients gradients, Shape shape, float* weights, const Rows& rows) {
  const std::size_t gradientPositions = gradients.lazy ? 1 : shape.positions;
  // A division costs as much as several additions.
  const std::size_t grain = grainFor(4 * shape.positions);
  for (std::size_t image = 0; image < shape.images; image++) {
    const float* a = activations.image(image);
    const float* g = gradients.image(image);
    parallelFor(shape.channels, grain, [&](std::size_t begin, std::size_t end) {
      rows(a + begin * shape.positions, g + begin * gradientPositions, end - begin,
           weights + image * shape.channels + begin);
    });
  }
}

}  // namespace

void gradCamPlusPlusWeights(PlusPlusMode mode, Features activations, Gradients gradients, Shape shape,
                            float* weights) {
  const auto plusPlusWeights = ONNX_CAM_DISPATCH(plusPlusWeights);
  forChannels(activations, gradients, shape, weights,
              [&](const float* a, const float* g, std::size_t channels, float* out) {
                plusPlusWeights(mode, a, g, gradients.lazy, channels, shape.positions, out);
              });
}

void xgradCamWeights(double epsilon, bool guard, Features activations, Gradients gradients, Shape shape,
                     float* weights) {
  const auto xgradWeights = ONNX_CAM_DISPATCH(xgradWeights);
  forChannels(activations, gradients, shape, weights,
              [&](const float* a, const float* g, std::size_t channels, float* out) {
                xgradWeights(epsilon, guard, a, g, gradients.lazy, channels, shape.positions, out);
              });
}

}  // namespace onnx_cam::kernels
