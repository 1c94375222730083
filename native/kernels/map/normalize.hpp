// Min-max normalisation of maps.
//
//   m = M (or max(M, 0) with `relu`);  out = (m − min m) / (max m − min m + ε)
//
// Every convention of docs/methods.md#min-max is this formula, because max(m − min m) = max m − min m also in float arithmetic
// (rounding is monotone); they differ in ε only: pytorch-grad-cam 1e-7, torchcam 1e-8, tf-keras-vis 1e-7, none 0.
// Layout: [N, P], each map on its own. Accumulator: float.
// Edge cases: a constant map becomes zeros (also with ε = 0); NaN anywhere makes the whole map NaN, as in NumPy and
// PyTorch; infinities follow IEEE arithmetic.
// No SIMD tiers: maps are small, and the compiler vectorises both passes.
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

void normalizeMaps(const float* maps, std::size_t count, std::size_t positions, float epsilon, bool relu, float* out);

}  // namespace onnx_cam::kernels
