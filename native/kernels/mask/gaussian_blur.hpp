// Gaussian blur of an image.
//
//   out[y, x] = Σ_dy Σ_dx g(dy) · g(dx) · image[y + dy, x + dx],  |dy|, |dx| ≤ radius,  g(d) ∝ exp(−d²/2σ²), Σ g = 1
//
// Positions outside are mirrored about the border samples (reflect-101), however far outside they are. Separable: rows,
// then columns. Layout: [C, H, W], or [H, W, C] with `channelsLast`. Accumulator: float.
// No SIMD tiers: one image is blurred once for all its masks. Source: docs/methods.md#group-cam.
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

void gaussianBlur(const float* image, std::size_t channels, std::size_t height, std::size_t width, bool channelsLast,
                  std::size_t radius, double deviation, float* out);

}  // namespace onnx_cam::kernels
