// For each channel, the channels that look most like it (FD-CAM).
//
//   cos[k, j] = A_k · A_j / (|A_k| |A_j|), 0 where a channel is all zero
//   similar[k, j] = 1 if cos[k, j] > quantile q of row k (linear interpolation), else 0
//
// Layout: activations [C, P]; similar [selected, C] bytes, a row for each channel of `select`.
// Accumulator: double (see gram.hpp). Edge cases: NaN counts as 0.
// Source: arXiv 2206.08792 and its code; docs/methods.md#fd-cam.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onnx_cam::kernels {

void similarChannels(const float* activations, std::size_t channels, std::size_t positions, double q,
                     const uint32_t* select, std::size_t selected, uint8_t* similar);

}  // namespace onnx_cam::kernels
