// Values in colours [N, C, P], as guided backpropagation gives them.
//
//   maskColours: out[n,c,i] = V[n,c,i] M[n,i];  colourStrength: out[n,i] = Σ_c |V[n,c,i]|
//
// Layout: M [N, P]. Accumulator: double over channels. Edge cases: NaN propagates.
// Source: Selvaraju et al., ICCV 2017, §3.2 (Guided Grad-CAM). No SIMD tiers: bound by memory.
#pragma once

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

void maskColours(const float* values, const float* masks, Shape shape, float* out);
void colourStrength(const float* values, Shape shape, float* out);

}  // namespace onnx_cam::kernels
