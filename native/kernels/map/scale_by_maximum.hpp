// Zoom-CAM's scaling of each stage.
//
//   m = max(M, 0);  out = (m − min m) / max m
//
// Layout: [N, P], each map on its own. Accumulator: double, rounded once. Edge cases: a map without positive values becomes
// zeros; a map with a NaN all NaN. Source: Shi et al., arXiv:2010.08644, its official code.
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

void scaleByMaximum(const float* maps, std::size_t count, std::size_t positions, float* out);

}  // namespace onnx_cam::kernels
