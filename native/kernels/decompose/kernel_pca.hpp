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
// K has P² entries. Of more than kMostSamples positions the linear kernel goes through the smaller Gram matrix
// (principal_component.hpp), to the same result; for the others kMostSamples of them, spread evenly, stand for all: the
// component (λ, u) is theirs, and every position is projected on it, as KernelPCA.transform does with new samples,
//   M_i = Σ_j u_j (k(x_i, s_j) − mean_l k(s_l, s_j)) / √λ
// On layers of 80 × 80 positions of two photographs such maps correlate with the whole matrix's by 0.994 to 1.000; where
// positive and negative entries are about as large, the sign may be the other. Memory: kMostSamples² doubles and a copy
// of A.
//
// Layout: A [N, C, P], maps [N, P]. Accumulator: dot products as in gram.hpp, everything after in double.
// Edge cases: λ ≤ 0, or no larger than rounding noise of K (sigmoid and poly kernels need not be positive), gives
// zeros; anything not finite in an image makes its whole map NaN.
// Throws Interrupted (interruption.hpp).
// Sources: arXiv 2410.00267; scikit-learn KernelPCA, pairwise kernels; docs/methods.md#kpca-cam.
#pragma once

#include <cstddef>

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

enum class PcaKernel { linear, sigmoid, rbf, poly, cosine };

/// Positions whose matrix is decomposed as it is: 128 MiB.
inline constexpr std::size_t kMostSamples = 4096;

void kernelPca(PcaKernel kernel, double gamma, const float* activations, Shape shape, float* maps);

/// One image by `samples` ≤ `positions` of its positions.
void sampledKernelPca(PcaKernel kernel, double gamma, const float* activations, std::size_t channels,
                      std::size_t positions, std::size_t samples, float* map);

}  // namespace onnx_cam::kernels
