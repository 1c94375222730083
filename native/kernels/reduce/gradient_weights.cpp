#include "kernels/reduce/gradient_weights.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/base/parallel.hpp"
#include "kernels/base/tier.hpp"
#include "kernels/reduce/terms.hpp"

namespace onnx_cam::kernels {
namespace {

#define ONNX_CAM_KERNEL "kernels/reduce/gradient_weights.inl"
#include "kernels/base/each_tier.inl"

/// Calls rows(activations, gradients, channels, weights) for parts of each image's channels.
template <class Rows>
void forChannels(Features activations, Gradients gradients, Shape shape, float* weights, const Rows& rows) {
  const std::size_t gradientPositions = gradients.lazy ? 1 : shape.positions;
  parallelFor(shape.images * shape.channels, grainFor(2 * shape.positions), [&](std::size_t begin, std::size_t end) {
    while (begin < end) {
      const std::size_t image = begin / shape.channels, channel = begin % shape.channels;
      const std::size_t count = std::min(end - begin, shape.channels - channel);
      rows(activations.image(image) + channel * shape.positions, gradients.image(image) + channel * gradientPositions,
           count, weights + begin);
      begin += count;
    }
  });
}

}  // namespace

void gradCamPlusPlusWeights(PlusPlusMode mode, Features activations, Gradients gradients, Shape shape, float* weights) {
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
