#include "kernels/cuda/grid.cuh"

namespace onnx_cam::kernels::cuda {
namespace {

constexpr int kTile = 16;
// Terms added in float before the sum goes into double; a multiple of kTile.
constexpr int kFloatTerms = 64;

/// A block for each tile of K. Column i of the matrix is X[·, i] (`byPosition`) or X[i, ·].
__global__ void gramTiles(const float* rows, std::size_t channels, std::size_t positions, bool byPosition,
                          double* gram) {
  __shared__ float left[kTile][kTile + 1], right[kTile][kTile + 1];
  const std::size_t columns = byPosition ? positions : channels, terms = byPosition ? channels : positions;
  const std::size_t tiles = (columns + kTile - 1) / kTile;
  const std::size_t first = blockIdx.x / tiles * kTile, second = blockIdx.x % tiles * kTile;
  const int x = threadIdx.x % kTile, y = threadIdx.x / kTile;
  // Threads with neighbouring x read neighbouring values: along the columns, or along the terms.
  const int term = byPosition ? y : x, column = byPosition ? x : y;
  const auto at = [=](std::size_t r, std::size_t i) {
    if (r >= terms || i >= columns) return 0.0f;
    return byPosition ? rows[r * positions + i] : rows[i * positions + r];
  };
  double total = 0;
  float part = 0;
  for (std::size_t r = 0; r < terms; r += kTile) {
    left[term][column] = at(r + term, first + column);
    right[term][column] = at(r + term, second + column);
    __syncthreads();
    for (int t = 0; t < kTile; t++) part += left[t][y] * right[t][x];
    if ((r / kTile + 1) % (kFloatTerms / kTile) == 0) {
      total += part;
      part = 0;
    }
    __syncthreads();
  }
  if (first + y < columns && second + x < columns) gram[(first + y) * columns + second + x] = total + part;
}

}  // namespace

int gramMatrix(const float* rows, std::size_t channels, std::size_t positions, bool byPosition, double* gram,
               Stream stream) {
  const std::size_t columns = byPosition ? positions : channels, tiles = (columns + kTile - 1) / kTile;
  return launch(gramTiles, tiles * tiles, kTile * kTile, stream, rows, channels, positions, byPosition, gram);
}

}  // namespace onnx_cam::kernels::cuda
