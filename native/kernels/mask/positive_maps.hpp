// Positive parts of maps, and nothing below a percentile of each (Group-CAM's denoising).
//
//   m = max(M, 0);  out = m where m ≥ P_q(m), else 0
//
// P_q: percentile with linear interpolation between order statistics (clip_maps). With q = 0 nothing is cut off.
// Layout: [N, P], each map on its own. Edge cases: a map with a NaN keeps its NaN and is not cut.
// Source: Zhang et al., arXiv:2103.13859, eq. 4 and its official code.
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

/// `q` in percent.
void positiveMaps(const float* maps, std::size_t count, std::size_t positions, double q, float* out);

}  // namespace onnx_cam::kernels
