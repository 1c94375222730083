// Channel weights of Grad-CAM++ and XGrad-CAM.
//
//   paper     w[n,k] = Σ_i max(G,0) · α,  α = 1 / (2 + S·G),             S = Σ_i A[n,k,i]
//   pgc       w[n,k] = Σ_i max(G,0) · α,  α = G² / (2G² + S·G³ + 1e-6)   pytorch-grad-cam
//   torchcam  w[n,k] = Σ_i max(G,0)³                                     torchcam (its division has no effect)
//   xgrad     w[n,k] = Σ_i G·A / (S + ε)
//
// α = 0 where |denominator| is below 1e-12 (for `paper` relative to G²): pytorch-grad-cam would give NaN or infinity.
// xgrad with `guard`: |S| is raised to ε, its sign kept (0 counts as positive), instead of adding ε: signed activations
// may cancel.
// Layout: A [N, C, P], G the same or lazy [N, C, 1], weights [N, C]. Accumulator: S and the sums as in row_sums.inl;
// Grad-CAM++ terms in float where S ≥ 0, else in double, because then 2 + S·G cancels.
// Edge cases: NaN and infinities propagate into their own channel's weight.
// Sources: arXiv 1710.11063, 2008.02312; docs/methods.md#grad-cam-pp, docs/methods.md#xgrad-cam.
#pragma once

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

enum class PlusPlusMode { paper, pgc, torchcam };

void gradCamPlusPlusWeights(PlusPlusMode mode, Features activations, Gradients gradients, Shape shape, float* weights);

void xgradCamWeights(double epsilon, bool guard, Features activations, Gradients gradients, Shape shape,
                     float* weights);

}  // namespace onnx_cam::kernels
