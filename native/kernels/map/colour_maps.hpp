// Values in colours [N, C, P], as guided backpropagation gives them.
//
//   maskColours: out[n,c,i] = V[n,c,i] M[n,i];  colourStrength: out[n,i] = Σ_c |V[n,c,i]|
//
// Layout: M [N, P]. Accumulator: double over channels. Edge cases: NaN propagates.
// Source: docs/methods.md#guided-grad-cam (arXiv:1610.02391). No SIMD tiers: bound by memory.
#pragma once

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

void maskColours(const float* values, const float* masks, Shape shape, float* out);
void colourStrength(const float* values, Shape shape, float* out);

}  // namespace onnx_cam::kernels
