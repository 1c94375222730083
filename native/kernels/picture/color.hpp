// Maps in colour.
//
//   index[i]   = ⌊255 · clamp(M[i], 0, 1)⌋           (truncation, as pytorch-grad-cam's uint8(255·M))
//   heat[i]    = table[index[i]]
//   overlay[i] = round((1 − alpha) · picture[i] + alpha · heat[i])
//
// Layout: maps float [P], table uint8 [256, 3], pictures and results uint8 [P, 3]. Accumulator: 16.16 fixed point.
// Edge cases: NaN takes index 0. No SIMD tiers: a table look-up per pixel. `out` may be `picture`. Other tools: docs/methods.md#colours.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onnx_cam::kernels {

void colorizeMap(const float* map, std::size_t count, const std::uint8_t* table, std::uint8_t* out);

void overlayMap(const std::uint8_t* picture, const float* map, std::size_t count, const std::uint8_t* table,
                double alpha, std::uint8_t* out);

}  // namespace onnx_cam::kernels
