// Half floats for the emulation, see cuda_runtime.h.
#pragma once

#include "kernels/base/half.hpp"

struct __half {
  std::uint16_t bits;
};

inline float __half2float(__half value) { return onnx_cam::kernels::floatOf(value.bits); }
inline __half __float2half(float value) { return {onnx_cam::kernels::halfOf(value)}; }
