// Resizing of pictures with antialiasing, as Pillow's Image.resize does it (and torchvision on PIL images).
//
//   out[x] = Σ_j k_j · in[j],  k_j ∝ f((j + 0.5 − c) / s),  c = (x + 0.5) · in/out,  s = max(1, in/out)
//
// bilinear: f(t) = 1 − |t|; bicubic: Keys' kernel with a = −0.5 (not the −0.75 of resize.hpp); nearest: pixel ⌊c⌋.
// Taps outside the picture are left out and the others scaled to sum 1. First along rows, then along columns; an axis
// of unchanged size is passed over.
// Layout: uint8 HWC, any number of channels → uint8 HWC (to the bit what Pillow gives: weights rounded to 22 fractional
// bits, rows rounded to bytes between the passes) or float HWC in 0..255 (nothing rounded, bicubic may overshoot).
// Pictures of more than 8 bits come as float or double and stay so (what Pillow does for its mode F); to float or double HWC.
// `window` is the part of the result that is wanted; only that is computed.
// Bytes have SIMD tiers, which give the same bits. Source: Pillow, src/libImaging/Resample.c.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onnx_cam::kernels {

enum class ImageFilter { bilinear, bicubic, nearest };

struct ImageSize {
  std::size_t width = 0;
  std::size_t height = 0;
};

struct ImageWindow {
  std::size_t x = 0;
  std::size_t y = 0;
  std::size_t width = 0;
  std::size_t height = 0;
};

void resampleImage(const std::uint8_t* pixels, ImageSize from, std::size_t channels, ImageSize to, ImageWindow window,
                   ImageFilter filter, std::uint8_t* out);
void resampleImage(const std::uint8_t* pixels, ImageSize from, std::size_t channels, ImageSize to, ImageWindow window,
                   ImageFilter filter, float* out);
void resampleImage(const float* pixels, ImageSize from, std::size_t channels, ImageSize to, ImageWindow window,
                   ImageFilter filter, float* out);
void resampleImage(const double* pixels, ImageSize from, std::size_t channels, ImageSize to, ImageWindow window,
                   ImageFilter filter, double* out);

}  // namespace onnx_cam::kernels
