// Sums over channels: the maps of CAM, Grad-CAM and its relatives, and those of the position-wise methods.
//
//   product           M[n,i] = Σ_k G[n,k,i] · A[n,k,i]             HiResCAM; with lazy G: the weighted sum Σ_k w_k A_k
//   positiveProduct   M[n,i] = Σ_k max(G[n,k,i] · A[n,k,i], 0)     Grad-CAM element-wise
//   positiveGradient  M[n,i] = Σ_k max(G[n,k,i], 0) · A[n,k,i]     LayerCAM
//
// Layout: A and G [N, C, P] row-major, each with a step of 0 between images where one stands for all; lazy G [N, C, 1];
// maps [N, P]. Accumulator: float over 16 channels, then double. No outer ReLU.
// Edge cases: NaN and infinities propagate (max(NaN, 0) is NaN, 0 · ∞ is NaN); C = 0 gives zeros.
// Sources: arXiv 1512.04150, 1610.02391, 2011.08891, DOI 10.1109/TIP.2021.3089943.
#pragma once

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

enum class Term { product, positiveProduct, positiveGradient };

void channelSum(Term term, Features activations, Gradients gradients, Shape shape, float* maps);

}  // namespace onnx_cam::kernels
