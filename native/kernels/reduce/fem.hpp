// Weights of the Feature Explanation Method: the share of positions that stand out in a channel.
//
//   μ = (1/P) Σ_i A_i,  σ² = (1/P) Σ_i (A_i − μ)²,  w[n,k] = (1/P) |{ i : A[n,k,i] > μ + k·σ }|
//
// The map is Σ_k w_k A_k (channel_sum). Layout: A [N, C, P], weights [N, C]. Accumulator: as in row_sums.inl,
// deviations from μ rounded to float and corrected for that. The comparison is exact: float A against double μ + kσ.
// Edge cases: a constant channel (σ ≤ 1e-6·|μ|, the rounding of float) has weight 0; NaN in a channel makes
// its weight NaN.
// The weight jumps where a value sits on the threshold, so implementations may differ there by 1/P.
// Source: Fuad et al., IPTA 2020 (HAL hal-02963298); docs/methods.md#fem.
#pragma once

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

void femWeights(double k, const float* activations, Shape shape, float* weights);

}  // namespace onnx_cam::kernels
