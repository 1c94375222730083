// Half floats (IEEE 754 binary16, as their bits) and floats.
//
// To half: rounded to nearest, ties to even; beyond 65504 (from 65520 on) infinity, subnormals kept, NaN stays NaN.
// To float: exact.
// No SIMD tiers: bound by memory once the compiler has vectorised the loop.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/bits.hpp"

namespace onnx_cam::kernels {

inline std::uint16_t halfOf(float value) {
  std::uint32_t bits = bitCast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000;
  bits &= 0x7fffffff;
  std::uint32_t half;
  if (bits >= 0x47800000) {  // 65536 and more, infinity, NaN.
    half = bits > 0x7f800000 ? 0x7e00 : 0x7c00;
  } else if (bits < 0x38800000) {
    // Below 2^-14: next to 0.5 a float's last digit is the smallest half, so the addition rounds.
    half = bitCast<std::uint32_t>(bitCast<float>(bits) + 0.5f) - 0x3f000000;
  } else {
    const std::uint32_t odd = (bits >> 13) & 1;
    half = (bits - (112u << 23) + 0xfff + odd) >> 13;
  }
  return static_cast<std::uint16_t>(sign | half);
}

inline float floatOf(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16, rest = half & 0x7fff;
  if (rest < 0x400) {
    const float value = static_cast<float>(rest) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t exponent = rest >= 0x7c00 ? 224u << 23 : 112u << 23;
  return bitCast<float>(sign | ((rest << 13) + exponent));
}

void floatToHalf(const float* from, std::size_t count, std::uint16_t* to);
/// Finite values beyond 65504 become ±65504: weights such as −3e38, which stand for "never", stay finite.
void floatToHalfSaturated(const float* from, std::size_t count, std::uint16_t* to);
void halfToFloat(const std::uint16_t* from, std::size_t count, float* to);

}  // namespace onnx_cam::kernels
