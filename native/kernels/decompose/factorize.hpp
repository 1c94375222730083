// Non-negative factors of feature maps (Deep Feature Factorization): V ≈ W H with W, H ≥ 0, Frobenius norm.
//
//   V[k,i] = max(A[k,i], 0)   or, `shift`,   A[k,i] − o_k,  o_k = min_i A[k,i]
//   Coordinate descent as scikit-learn's solver 'cd': all of W, then all of H, one component t after the other:
//     W[k,t] ← max(0, W[k,t] − (Σ_r W[k,r] (HHᵀ)[r,t] − (VHᵀ)[k,t]) / (HHᵀ)[t,t]),   H likewise with WᵀW, WᵀV
//   until the sum of projected gradients is at most 1e-4 of the first iteration's, or for 200 iterations.
//   Start: W, H = start · √(mean V / n), start ≥ 0 drawn by the caller.
//   Then ‖W[·,t]‖ = 1, what it was goes into H, and the components are ordered by falling ‖H[t,·]‖.
//
// Layout: A [N, C, P]; start: H [n, P], then W [C, n], the same for every image; result for each image: H [n, P],
// W transposed [n, C], o [C] (zeros without `shift`). Accumulator: of products with V float32 over a row (VHᵀ, in eight
// lanes) or over 64 rows (WᵀV), all else double.
// Edge cases: V = 0 gives zeros; a component that dies out is zero in both factors and comes last; anything not finite in
// an image makes its whole result NaN. The same result for every number of threads: rows are summed in fixed parts.
// Sources: arXiv 1806.10206; scikit-learn NMF; docs/methods.md#dff.
#pragma once

#include <cstddef>

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

/// Values that the result holds for each image.
std::size_t factorsPerImage(Shape shape, std::size_t components);

void factorize(const float* activations, Shape shape, bool shift, std::size_t components, const float* start,
               float* result);

}  // namespace onnx_cam::kernels
