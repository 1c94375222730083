// One term of FullGrad: the size of gradient times input or bias, stretched to [0, 1] and summed over channels.
//
//   v[n,k,i] = |F[n,k,i] G[n,k,i]|;  out[n,i] = Σ_k (v − min v)/(max v − min v + ε)
//
// min and max over all channels of an image, or over each channel by itself. F are activations [N, C, P], or a bias [C]; G
// [N, C, P] or lazy [N, C, 1]; out [N, P]. Accumulator: v in float, all else in double.
// Edge cases: what is constant becomes zeros; NaN in a stretch of values makes its part of the sum NaN.
// Source: Srinivas & Fleuret, arXiv:1905.00780, eq. 9; ε: the official code 1e-6, pytorch-grad-cam 1e-7.
#pragma once

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

/// `bias` null: `activations` are multiplied with.
void fullGradTerm(Features activations, const float* bias, Gradients gradients, Shape shape, bool perChannel,
                  double epsilon, float* maps);

}  // namespace onnx_cam::kernels
