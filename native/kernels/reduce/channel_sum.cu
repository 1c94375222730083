#include "kernels/cuda/grid.cuh"
#include "kernels/reduce/terms.hpp"

namespace onnx_cam::kernels::cuda {
namespace {

/// A block's positions and its channels at a time: warps read consecutive positions of one channel each.
constexpr int kPositions = 32;
constexpr int kRows = 16;

/// A block for each image and kPositions positions. Thread (position, row) adds up channels row, row + kRows, …; then the
/// rows are added in order.
template <class A, class G>
__global__ void sumChannels(Term term, const A* activations, std::size_t activationStep, const G* gradients,
                            std::size_t gradientStep, bool lazy, Shape shape, float* maps) {
  __shared__ double sums[kRows][kPositions];
  const std::size_t tiles = (shape.positions + kPositions - 1) / kPositions;
  const std::size_t image = blockIdx.x / tiles;
  const std::size_t column = threadIdx.x % kPositions, row = threadIdx.x / kPositions;
  const std::size_t position = blockIdx.x % tiles * kPositions + column;
  const A* a = activations + image * activationStep;
  const G* g = gradients + image * gradientStep;
  Sum sum;
  if (position < shape.positions) {
    for (std::size_t k = row; k < shape.channels; k += kRows) {
      const std::size_t at = k * shape.positions + position;
      sum.add(productTerm(term, toFloat(g[lazy ? k : at]), toFloat(a[at])));
    }
  }
  sums[row][column] = sum.value();
  __syncthreads();
  if (row != 0 || position >= shape.positions) return;
  double total = 0;
  for (int r = 0; r < kRows; r++) total += sums[r][column];
  maps[image * shape.positions + position] = static_cast<float>(total);
}

}  // namespace

int channelSum(Term term, DeviceFeatures activations, DeviceGradients gradients, Shape shape, float* maps,
               Stream stream) {
  const std::size_t tiles = (shape.positions + kPositions - 1) / kPositions;
  return withElement(activations.element, [=](auto activation) {
    return withElement(gradients.element, [=](auto gradient) {
      using A = decltype(activation);
      using G = decltype(gradient);
      return launch(sumChannels<A, G>, shape.images * tiles, kPositions * kRows, stream, term,
                    static_cast<const A*>(activations.data), activations.imageStep,
                    static_cast<const G*>(gradients.data), gradients.imageStep, gradients.lazy, shape, maps);
    });
  });
}

}  // namespace onnx_cam::kernels::cuda
