#include "kernels/cuda/grid.cuh"

namespace onnx_cam::kernels::cuda {
namespace {

/// A warp for each row.
template <class T>
__global__ void meansOfRows(const T* features, std::size_t rows, std::size_t positions, float* means) {
  for (std::size_t row = gridIndex() / kWarp; row < rows; row += gridSize() / kWarp) {
    const T* values = features + row * positions;
    const double sum = warpSumOver(positions, [=](std::size_t i) { return toFloat(values[i]); });
    if (threadIdx.x % kWarp == 0) means[row] = static_cast<float>(sum / static_cast<double>(positions));
  }
}

}  // namespace

int channelMeans(const void* features, Element element, Shape shape, float* means, Stream stream) {
  const std::size_t rows = shape.images * shape.channels;
  return withElement(element, [=](auto zero) {
    using T = decltype(zero);
    return launch(meansOfRows<T>, gridFor(rows * kWarp), kBlock, stream, static_cast<const T*>(features), rows,
                  shape.positions, means);
  });
}

}  // namespace onnx_cam::kernels::cuda
