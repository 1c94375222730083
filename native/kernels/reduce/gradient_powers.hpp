// Smooth Grad-CAM++: powers of the gradients of noisy copies, added up as the copies come, and the channel weights they give.
//
//   S_j += G^j for j = 1, 2, 3;  D_j = S_j / n
//   w[n,k] = Σ_i α max(first, 0),  α = D₂ / (2 D₂ + Σ_i (D₃ A) + ε),  ε = 1e-8
//
// `first` is D₁, or a gradient of its own (torchcam: the last copy's). Layout: G and first [N, C, P], or lazy [N, C]; S
// [3, G's elements]; A [N, C, P]; weights [N, C]. Accumulator: double, so that sums need not keep the copies.
// Edge cases: a denominator of 0 adds nothing; NaN makes its channel's weight NaN unless first isn't positive there.
// Source: Omeiza et al., arXiv:1908.01224, eq. 4 to 8; ε and the modes: torchcam.
#pragma once

#include <cstddef>

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

void addGradientPowers(const float* gradients, std::size_t count, double* sums);

struct PowerSums {
  const double* data = nullptr;
  /// Of one power: images (1 or all) · channels · positions, or of lazy ones images · channels.
  std::size_t count = 0;
  std::size_t copies = 1;
  /// From one image to the next; 0 when one stands for all.
  std::size_t imageStep = 0;
  bool lazy = false;
};

/// `first` null: the mean gradient; else of the sums' layout.
void smoothWeights(Features activations, const PowerSums& sums, const float* first, Shape shape, float* weights);

}  // namespace onnx_cam::kernels
