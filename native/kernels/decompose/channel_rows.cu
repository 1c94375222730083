#include "kernels/cuda/grid.cuh"

namespace onnx_cam::kernels::cuda {
namespace {

/// A warp for each channel. The mean is kept in two floats: what remains is as exact as in double.
template <class A, class G>
__global__ void fillRows(const A* activations, const G* factors, bool lazy, bool centre, std::size_t channels,
                         std::size_t positions, float* rows) {
  for (std::size_t k = gridIndex() / kWarp; k < channels; k += gridSize() / kWarp) {
    const A* source = activations + k * positions;
    const G* factor = factors == nullptr ? nullptr : factors + k * (lazy ? 1 : positions);
    const auto scaled = [=](std::size_t i) {
      return factor == nullptr ? toFloat(source[i]) : toFloat(source[i]) * toFloat(factor[lazy ? 0 : i]);
    };
    float high = 0, low = 0;
    if (centre) {
      const double mean = warpSumOver(positions, scaled) / static_cast<double>(positions);
      high = static_cast<float>(mean);
      low = static_cast<float>(mean - high);
    }
    float* row = rows + k * positions;
    for (std::size_t i = threadIdx.x % kWarp; i < positions; i += kWarp) row[i] = (scaled(i) - high) - low;
  }
}

/// As sumChannels in channel_sum.cu: thread (position, row) adds up channels row, row + kRows, …
constexpr int kCombinePositions = 32;
constexpr int kCombineRows = 16;

template <class T>
__global__ void combine(const T* rows, std::size_t channels, std::size_t positions, const double* weights,
                        double* out) {
  __shared__ double sums[kCombineRows][kCombinePositions];
  const std::size_t column = threadIdx.x % kCombinePositions, row = threadIdx.x / kCombinePositions;
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * kCombinePositions + column;
  double sum = 0;
  if (i < positions) {
    for (std::size_t k = row; k < channels; k += kCombineRows) {
      const double value = toFloat(rows[k * positions + i]);
      sum += weights == nullptr ? (value < 0 ? -value : value) : weights[k] * value;
    }
  }
  sums[row][column] = sum;
  __syncthreads();
  if (row != 0 || i >= positions) return;
  double total = 0;
  for (int r = 0; r < kCombineRows; r++) total += sums[r][column];
  out[i] = total;
}

}  // namespace

int channelRows(const void* activations, Element element, DeviceGradients factors, bool centre, std::size_t channels,
                std::size_t positions, float* rows, Stream stream) {
  return withElement(element, [=](auto activation) {
    return withElement(factors.element, [=](auto factor) {
      using A = decltype(activation);
      using G = decltype(factor);
      return launch(fillRows<A, G>, gridFor(channels * kWarp), kBlock, stream, static_cast<const A*>(activations),
                    static_cast<const G*>(factors.data), factors.lazy, centre, channels, positions, rows);
    });
  });
}

int combineRows(const void* rows, Element element, std::size_t channels, std::size_t positions, const double* weights,
                double* out, Stream stream) {
  return withElement(element, [=](auto zero) {
    using T = decltype(zero);
    return launch(combine<T>, (positions + kCombinePositions - 1) / kCombinePositions, kCombinePositions * kCombineRows,
                  stream, static_cast<const T*>(rows), channels, positions, weights, out);
  });
}

}  // namespace onnx_cam::kernels::cuda
