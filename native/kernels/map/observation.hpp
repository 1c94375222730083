// What small maps see of a large one: D T_i M for mappings T_i, as a sparse matrix A and its transpose.
//
//   T_i    affine mappings one behind the other, each bilinear with zeros outside (picture/warp.hpp)
//   D      bilinear half-pixel resize to the small maps' size, without antialiasing (resize.hpp)
//
// A row of A is a pixel of a small map, a column a pixel of the large one; two mappings give about 20 entries a row. Both
// directions are stored by rows, so that any number of threads adds in the same order. Layout: small maps [n, h, w], the large
// one [H, W]; weights and sums in double. Edge cases: a small pixel that sees nothing has an empty row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/map/affine.hpp"

namespace onnx_cam::kernels {

/// Row r has entries [ends[r], ends[r + 1]).
struct SparseRows {
  std::vector<std::size_t> ends;
  std::vector<std::uint32_t> columns;
  std::vector<double> weights;

  std::size_t rows() const { return ends.size() - 1; }

  /// The product of a row with a vector.
  double product(std::size_t row, const double* values) const {
    double sum = 0;
    for (std::size_t i = ends[row], end = ends[row + 1]; i < end; i++) sum += weights[i] * values[columns[i]];
    return sum;
  }
};

/// The mappings of each item, as they are applied to a picture, first one first: [count, steps].
struct Mappings {
  const Affine* data = nullptr;
  std::size_t count = 0;
  std::size_t steps = 1;
};

/// [n · h · w] × [H · W]; both products lie below 2^32.
SparseRows observationMatrix(const Mappings& mappings, MapSize observed, MapSize size);

SparseRows transposed(const SparseRows& matrix, std::size_t columns);

}  // namespace onnx_cam::kernels
