// The instruction sets that the kernels are compiled for. One source serves all: each_tier.inl includes a kernel's .inl
// once per tier, inside a namespace and a target region of its own, and ONNX_CAM_DISPATCH calls the one in use.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#define ONNX_CAM_X86_TIERS 1
#endif

namespace onnx_cam::kernels {

/// `baseline` is what the compiler may assume of every machine: SSE2 on x86-64, NEON on AArch64.
/// avx2: AVX2 + FMA + BMI2 + F16C. avx512: F + BW + DQ + VL and everything that avx2 has.
enum class Tier { baseline = 0, avx2 = 1, avx512 = 2 };

/// The best tier of this processor and operating system, asked of cpuid and xgetbv directly: the compiler's
/// __builtin_cpu_supports answers "no" to everything in builds made by zig.
Tier detectTier();

/// The tier in use: the detected one until setTier.
Tier currentTier();

/// Chooses a tier for tests and benchmarks; false, and no change, when this machine can't run it.
bool setTier(Tier tier);

}  // namespace onnx_cam::kernels

#ifdef ONNX_CAM_X86_TIERS
/// Calls `function` of the tier in use, e.g. ONNX_CAM_DISPATCH(sumChannel)(row, count).
#define ONNX_CAM_DISPATCH(function) \
  (currentTier() == Tier::avx512 ? avx512::function : currentTier() == Tier::avx2 ? avx2::function : baseline::function)
#else
#define ONNX_CAM_DISPATCH(function) (baseline::function)
#endif
