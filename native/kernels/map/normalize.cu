#include "kernels/cuda/grid.cuh"

namespace onnx_cam::kernels::cuda {
namespace {

/// A block for each map.
__global__ void normalizeRows(const float* maps, std::size_t positions, float epsilon, bool relu, float* out) {
  const float* map = maps + blockIdx.x * positions;
  float* result = out + blockIdx.x * positions;
  Extremes own = noExtremes();
  for (std::size_t i = threadIdx.x; i < positions; i += kBlock) own.add(map[i]);
  Extremes range = blockExtremes(own);
  if (relu) {
    range.low = range.low < 0 ? 0 : range.low;
    range.high = range.high < 0 ? 0 : range.high;
  }
  const float low = range.low, divisor = range.high - low + epsilon, floor = relu ? 0 : low;
  const bool constant = range.low == range.high;
  for (std::size_t i = threadIdx.x; i < positions; i += kBlock) {
    const float value = map[i] < floor ? floor : map[i];
    result[i] = range.nan ? __int_as_float(0x7fc00000) : constant ? 0 : (value - low) / divisor;
  }
}

}  // namespace

int normalizeMaps(const float* maps, std::size_t count, std::size_t positions, float epsilon, bool relu, float* out,
                  Stream stream) {
  return launch(normalizeRows, count, kBlock, stream, maps, positions, epsilon, relu, out);
}

}  // namespace onnx_cam::kernels::cuda
