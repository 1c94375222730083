// Includes the file named by ONNX_CAM_KERNEL once per tier, in namespace baseline, avx2 and avx512.
//
// Every standard header must be included before: an inline function first seen inside a target region would be
// compiled for that tier and, merged by the linker, could run on a machine that lacks it. clang and zig ignore the GCC
// pragmas without an error, hence both spellings. Inside, ONNX_CAM_LANES is the number of floats in a register; tiers
// differ in the last bits, because products and sums are contracted to FMA where there is one.

#define ONNX_CAM_LANES 4
namespace baseline {
#include ONNX_CAM_KERNEL
}
#undef ONNX_CAM_LANES

#ifdef ONNX_CAM_X86_TIERS

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi2,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2,f16c")
#endif
#define ONNX_CAM_LANES 8
namespace avx2 {
#include ONNX_CAM_KERNEL
}
#undef ONNX_CAM_LANES
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,f16c"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,f16c,prefer-vector-width=512")
#endif
#define ONNX_CAM_LANES 16
namespace avx512 {
#include ONNX_CAM_KERNEL
}
#undef ONNX_CAM_LANES
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // ONNX_CAM_X86_TIERS

#undef ONNX_CAM_KERNEL
