// The largest eigenvalue of a symmetric matrix and its eigenvector.
//
// Lanczos iteration from a fixed pseudo-random vector, with every new direction orthogonalised twice against all
// before, so that no copies of converged values appear; it ends when the residual |A·v − λ·v| is below 1e-11 of the
// largest |Ritz value|, or when the Krylov space is exhausted (then the result is exact up to rounding). The tridiagonal matrix's
// eigenvalue comes from Sturm bisection, its vector from inverse iteration.
//
// A [n, n] row-major double, both triangles; the vector has length 1. The largest by value, not by size: an indefinite
// matrix's λ may be below the absolute value of its most negative one.
// Edge cases: A = 0 gives λ = 0; a repeated λ gives one vector of its space, the same in every run. A must be finite.
// Throws Interrupted (interruption.hpp).
// Source: Golub & Van Loan, Matrix Computations, sections 8.4, 10.1, 10.3.
#pragma once

#include <cstddef>
#include <vector>

namespace onnx_cam::kernels {

struct Eigenpair {
  double value = 0;
  std::vector<double> vector;
};

Eigenpair leadingEigenpair(const double* matrix, std::size_t size);

}  // namespace onnx_cam::kernels
