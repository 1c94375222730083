// Gram matrix of columns.
//
//   K[i,j] = Σ_r X[r,i] · X[r,j]
//
// Layout: X [rows, stride] row-major with `columns` used; the stride is a multiple of kGramPadding and the padding is
// zero. K [columns, columns] double, row-major, both triangles. Accumulator: float over 64 rows in registers, then
// double. Edge cases: NaN and infinities propagate. Throws Interrupted (interruption.hpp).
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

inline constexpr std::size_t kGramPadding = 32;

constexpr std::size_t gramStride(std::size_t columns) {
  return (columns + kGramPadding - 1) / kGramPadding * kGramPadding;
}

void gramMatrix(const float* matrix, std::size_t rows, std::size_t columns, double* gram);

}  // namespace onnx_cam::kernels
