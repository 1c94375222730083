// The picture of a plane of a tensor: stretched to 0..255 by the range of the whole tensor.
//
//   out = round((v − min) · 255/(max − min)), min and max over the finite values of the tensor
//
// Three channels become red, green and blue, of any other number the first one grey. Layout: any, by steps in memory; out [h, w,
// 3]. Accumulator: double; halves are rounded up. Edge cases: a constant tensor is black; infinities are cut to 0 and
// 255, NaN is 0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onnx_cam::kernels {

/// Where pixel (y, x) of channel c of the plane lies: start + y·row + x·column + c·channel.
struct PlaneSteps {
  std::size_t start = 0;
  std::size_t row = 0;
  std::size_t column = 0;
  /// 0: the same channel thrice.
  std::size_t channel = 0;
};

void tensorPicture(const float* tensor, std::size_t count, PlaneSteps steps, std::size_t height, std::size_t width,
                   std::uint8_t* out);

}  // namespace onnx_cam::kernels
