// Pixels to a model's input.
//
//   T[c, y, x] = (pixel[y, x, s(c)] · scale − mean[c]) / std[c],   s reverses the channels for BGR models
//
// Layout: pixels HWC with 1 or 3 channels, uint8, or float or double where a picture has more bits; tensor float CHW (planar) or HWC. mean and std are in the order of the
// model's channels. Computed in double (of bytes once per value), rounded once: within 1 ulp of the formula in any order.
// Edge cases: none; std = 0 is refused by the caller. No SIMD tiers: a table look-up per value, 40 µs for 224×224.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onnx_cam::kernels {

struct PixelNormalization {
  double scale = 1;
  double mean[3] = {};
  double std[3] = {1, 1, 1};
  bool reversed = false;
  bool planar = true;
};

void imageToTensor(const std::uint8_t* pixels, std::size_t count, std::size_t channels,
                   const PixelNormalization& normalization, float* tensor);
void imageToTensor(const float* pixels, std::size_t count, std::size_t channels,
                   const PixelNormalization& normalization, float* tensor);
void imageToTensor(const double* pixels, std::size_t count, std::size_t channels,
                   const PixelNormalization& normalization, float* tensor);

}  // namespace onnx_cam::kernels
