// Resizing of 8-bit RGB pictures, antialiased when shrinking, to the bit as Pillow (and torchvision on PIL pictures) does.
//
// Per axis, s = in/out, support r = filter radius · max(s, 1), centre c = (i + ½)·s:
//   out_i = Σ_j w_j · in_j / Σ w,   w_j = f((j + ½ − c) / max(s, 1)),   j from ⌊c − r + ½⌋ to ⌊c + r + ½⌋ − 1
//   bilinear  f(x) = 1 − |x|, radius 1
//   bicubic   Keys' kernel, a = −½, radius 2; may overshoot, results are clamped to 0..255
//   nearest   in_⌊(i + ½)·s⌋, not antialiased
// Rows first, rounded to 8 bits, then columns. Accumulator: int32, weights in 22-bit fixed point as in Pillow, so that
// rounding is the same. An axis of unchanged size is copied. Only `window` of the result is computed.
// Layout: [h, w, 3] → [window.height, window.width, 3], interleaved.
// Edge cases: taps outside the picture are left out and the others scaled up; 1 pixel becomes a constant.
// No SIMD tiers: three interleaved channels leave little to gain beside decoding the picture.
// Source: Pillow, src/libImaging/Resample.c and Geometry.c (nearest).
#pragma once

#include <cstddef>
#include <cstdint>

namespace onnx_cam::kernels {

enum class PictureFilter { bilinear, bicubic, nearest };

struct PictureSize {
  std::size_t width = 0;
  std::size_t height = 0;
};

/// A part of the resized picture.
struct PictureWindow {
  std::size_t x = 0;
  std::size_t y = 0;
  std::size_t width = 0;
  std::size_t height = 0;
};

/// Resizes `picture` of size `from` to `to`, and writes the window of it, which must lie inside, to `out`.
void resizeAntialiased(const std::uint8_t* picture, PictureSize from, PictureSize to, PictureWindow window,
                       PictureFilter filter, std::uint8_t* out);

}  // namespace onnx_cam::kernels
