#include "kernels/cuda/grid.cuh"

namespace onnx_cam::kernels::cuda {
namespace {

template <class From, class To>
__global__ void convertAll(const From* from, std::size_t count, To* to) {
  for (std::size_t i = gridIndex(); i < count; i += gridSize()) store(toFloat(from[i]), to + i);
}

}  // namespace

int floatToHalf(const float* from, std::size_t count, void* to, Stream stream) {
  return launch(convertAll<float, __half>, gridFor(count), kBlock, stream, from, count, static_cast<__half*>(to));
}

int halfToFloat(const void* from, std::size_t count, float* to, Stream stream) {
  return launch(convertAll<__half, float>, gridFor(count), kBlock, stream, static_cast<const __half*>(from), count, to);
}

}  // namespace onnx_cam::kernels::cuda
