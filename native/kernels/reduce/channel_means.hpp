// Channel means: Grad-CAM's weights when given the gradients.
//
//   mean[n,k] = (1/P) Σ_i T[n,k,i]
//
// Layout: T [N, C, P] row-major, means [N, C]. Accumulator: float per lane over at most 32 additions, then double.
// Edge cases: P = 0 is refused by the caller; NaN and infinities propagate into their own channel only.
// Source: Selvaraju et al., ICCV 2017, eq. 1.
#pragma once

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

void channelMeans(const float* features, Shape shape, float* means);

}  // namespace onnx_cam::kernels
