#include "kernels/base/simd.inl"

// Rows of X whose products are added in float.
inline constexpr std::size_t kRowBlock = 64;
// A tile of K: kTileRows × two registers. 16 registers hold it on AVX-512, 8 elsewhere.
inline constexpr std::size_t kTileRows = ONNX_CAM_LANES == 16 ? 8 : 4;
inline constexpr std::size_t kTileColumns = 2 * kLanes;

/// Adds the products of `rows` rows to the tile of K at (i, j).
static inline void addGramTile(const float* matrix, std::size_t rows, std::size_t stride, std::size_t columns,
                               std::size_t i, std::size_t j, double* gram) {
  Lanes tile[kTileRows][2] = {};
  for (std::size_t r = 0; r < rows; r++) {
    const float* row = matrix + r * stride;
    const Lanes first = load(row + j), second = load(row + j + kLanes);
    for (std::size_t t = 0; t < kTileRows; t++) {
      const Lanes factor = broadcast(row[i + t]);
      tile[t][0] += factor * first;
      tile[t][1] += factor * second;
    }
  }
  float values[kTileRows][kTileColumns];
  std::memcpy(values, tile, sizeof values);
  const std::size_t width = columns - j < kTileColumns ? columns - j : kTileColumns;
  for (std::size_t t = 0; t < kTileRows && i + t < columns; t++) {
    double* out = gram + (i + t) * columns + j;
    for (std::size_t c = 0; c < width; c++) out[c] += values[t][c];
  }
}

/// Rows [begin, end) of K, from the tile that holds the diagonal to the right end. `begin` is a multiple of kTileRows;
/// K holds zeros before.
static void gramRows(const float* matrix, std::size_t rows, std::size_t stride, std::size_t columns, std::size_t begin,
                     std::size_t end, double* gram) {
  for (std::size_t r = 0; r < rows; r += kRowBlock) {
    const std::size_t count = rows - r < kRowBlock ? rows - r : kRowBlock;
    for (std::size_t i = begin; i < end; i += kTileRows) {
      for (std::size_t j = i / kTileColumns * kTileColumns; j < columns; j += kTileColumns) {
        addGramTile(matrix + r * stride, count, stride, columns, i, j, gram);
      }
    }
  }
}
