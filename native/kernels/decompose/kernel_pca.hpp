// First kernel principal component of the positions' channel vectors (KPCA-CAM), as scikit-learn's KernelPCA has it.
//
//   x_i = A[n,·,i] − mean over positions
//   K_ij = x_i·x_j                      linear
//          tanh(γ x_i·x_j + 1)          sigmoid
//          exp(−γ |x_i − x_j|²)         rbf
//          (γ x_i·x_j + 1)³             poly
//          x_i·x_j / (|x_i| |x_j|)      cosine (a vector of length 0 counts as having length 1)
//   K ← K − JK − KJ + JKJ, J = 1/P;  largest eigenpair (λ, u);  M = √λ · u, entry of largest size positive
//
// Layout: A [N, C, P], maps [N, P]. Accumulator: dot products as in gram.hpp, everything after in double.
// Edge cases: λ ≤ 0, or no larger than rounding noise of K (sigmoid and poly kernels need not be positive), gives
// zeros; anything not finite in an image makes its whole map NaN.
// Sources: arXiv 2410.00267; scikit-learn KernelPCA, pairwise kernels; docs/methods.md#kpca-cam.
#pragma once

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

enum class PcaKernel { linear, sigmoid, rbf, poly, cosine };

void kernelPca(PcaKernel kernel, double gamma, const float* activations, Shape shape, float* maps);

}  // namespace onnx_cam::kernels
