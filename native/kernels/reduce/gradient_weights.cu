#include "kernels/cuda/grid.cuh"
#include "kernels/reduce/terms.hpp"

namespace onnx_cam::kernels::cuda {
namespace {

/// Where a channel's values and gradients lie.
template <class A, class G>
struct Channels {
  const A* activations;
  std::size_t activationStep;
  const G* gradients;
  std::size_t gradientStep;
  bool lazy;
  Shape shape;

  __device__ const A* activationsOf(std::size_t row) const {
    return activations + row / shape.channels * activationStep + row % shape.channels * shape.positions;
  }
  __device__ const G* gradientsOf(std::size_t row) const {
    return gradients + row / shape.channels * gradientStep + row % shape.channels * (lazy ? 1 : shape.positions);
  }
};

template <PlusPlusMode mode, class G>
__device__ double plusPlusSum(const G* gradients, std::size_t count, double S) {
  // Terms in double, where float would cancel; one warp adds them up in a fixed order.
  double sum = 0;
  for (std::size_t i = threadIdx.x % kWarp; i < count; i += kWarp) {
    sum += plusPlusTerm<mode>(static_cast<double>(toFloat(gradients[i])), S);
  }
  return warpSum(sum);
}

template <PlusPlusMode mode, class A, class G>
__global__ void plusPlusRows(Channels<A, G> channels, float* weights) {
  const std::size_t positions = channels.shape.positions, rows = channels.shape.images * channels.shape.channels;
  for (std::size_t row = gridIndex() / kWarp; row < rows; row += gridSize() / kWarp) {
    const A* a = channels.activationsOf(row);
    const G* g = channels.gradientsOf(row);
    const double S =
        mode == PlusPlusMode::torchcam ? 0 : warpSumOver(positions, [=](std::size_t i) { return toFloat(a[i]); });
    const double sum = channels.lazy ? plusPlusTerm<mode>(toFloat(*g), S) * static_cast<double>(positions)
                                     : plusPlusSum<mode>(g, positions, S);
    if (threadIdx.x % kWarp == 0) weights[row] = static_cast<float>(sum);
  }
}

template <class A, class G>
__global__ void xgradRows(double epsilon, bool guard, Channels<A, G> channels, float* weights) {
  const std::size_t positions = channels.shape.positions, rows = channels.shape.images * channels.shape.channels;
  for (std::size_t row = gridIndex() / kWarp; row < rows; row += gridSize() / kWarp) {
    const A* a = channels.activationsOf(row);
    const G* g = channels.gradientsOf(row);
    const double S = warpSumOver(positions, [=](std::size_t i) { return toFloat(a[i]); });
    const double product = channels.lazy
                               ? toFloat(*g) * S
                               : warpSumOver(positions, [=](std::size_t i) { return toFloat(a[i]) * toFloat(g[i]); });
    if (threadIdx.x % kWarp == 0) weights[row] = static_cast<float>(product / xgradDenominator(S, epsilon, guard));
  }
}

/// Calls function(channels) with the element types.
template <class Function>
int withChannels(DeviceFeatures activations, DeviceGradients gradients, Shape shape, Function function) {
  return withElement(activations.element, [=](auto activation) {
    return withElement(gradients.element, [=](auto gradient) {
      using A = decltype(activation);
      using G = decltype(gradient);
      return function(Channels<A, G>{static_cast<const A*>(activations.data), activations.imageStep,
                                     static_cast<const G*>(gradients.data), gradients.imageStep, gradients.lazy,
                                     shape});
    });
  });
}

template <PlusPlusMode mode, class A, class G>
int launchPlusPlus(Channels<A, G> channels, float* weights, Stream stream) {
  const std::size_t rows = channels.shape.images * channels.shape.channels;
  return launch(plusPlusRows<mode, A, G>, gridFor(rows * kWarp), kBlock, stream, channels, weights);
}

template <class A, class G>
int launchXgrad(double epsilon, bool guard, Channels<A, G> channels, float* weights, Stream stream) {
  const std::size_t rows = channels.shape.images * channels.shape.channels;
  return launch(xgradRows<A, G>, gridFor(rows * kWarp), kBlock, stream, epsilon, guard, channels, weights);
}

}  // namespace

int gradCamPlusPlusWeights(PlusPlusMode mode, DeviceFeatures activations, DeviceGradients gradients, Shape shape,
                           float* weights, Stream stream) {
  return withChannels(activations, gradients, shape, [=](auto channels) {
    switch (mode) {
      case PlusPlusMode::paper:
        return launchPlusPlus<PlusPlusMode::paper>(channels, weights, stream);
      case PlusPlusMode::pgc:
        return launchPlusPlus<PlusPlusMode::pgc>(channels, weights, stream);
      default:
        return launchPlusPlus<PlusPlusMode::torchcam>(channels, weights, stream);
    }
  });
}

int xgradCamWeights(double epsilon, bool guard, DeviceFeatures activations, DeviceGradients gradients, Shape shape,
                    float* weights, Stream stream) {
  return withChannels(activations, gradients, shape,
                      [=](auto channels) { return launchXgrad(epsilon, guard, channels, weights, stream); });
}

}  // namespace onnx_cam::kernels::cuda
