// Maps stretched between two of their percentiles (Poly-CAM).
//
//   out = clip((M − P_low)/max(P_high, 1e-12), 0, 1)
//
// P_q: percentile with linear interpolation between order statistics, as numpy.percentile. The divisor is P_high
// itself, not the range: so has it the official code. Layout: [N, P], each map on its own; [N, P] out.
// Edge cases: NaN anywhere in a map makes all of it NaN. Source: arXiv 2204.13359; docs/methods.md#poly-cam.
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

/// `low` and `high` in percent.
void clipMaps(const float* maps, std::size_t count, std::size_t positions, double low, double high, float* out);

/// Percentile `q` (in percent) of `count` ≥ 1 values; reorders them.
double percentile(float* values, std::size_t count, double q);

}  // namespace onnx_cam::kernels
