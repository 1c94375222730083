#include "kernels/base/tier.hpp"

#include <atomic>

#ifdef ONNX_CAM_X86_TIERS
#include <cpuid.h>
#endif

namespace onnx_cam::kernels {
namespace {

std::atomic<Tier>& chosen() {
  static std::atomic<Tier> tier{detectTier()};
  return tier;
}

}  // namespace

Tier detectTier() {
#ifdef ONNX_CAM_X86_TIERS
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return Tier::baseline;
  const bool xsave = ecx & bit_OSXSAVE, fma = ecx & bit_FMA, f16c = ecx & bit_F16C, avx = ecx & bit_AVX;
  if (!xsave || !fma || !f16c || !avx) return Tier::baseline;
  // Which registers the operating system saves: 6 = xmm and ymm, 0xe0 = mask registers and zmm.
  unsigned saved = 0, high = 0;
  __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  if ((saved & 6) != 6 || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return Tier::baseline;
  if (!(ebx & bit_AVX2) || !(ebx & bit_BMI2)) return Tier::baseline;
  const bool avx512 = (ebx & bit_AVX512F) && (ebx & bit_AVX512BW) && (ebx & bit_AVX512DQ) && (ebx & bit_AVX512VL);
  return avx512 && (saved & 0xe6) == 0xe6 ? Tier::avx512 : Tier::avx2;
#else
  return Tier::baseline;
#endif
}

Tier currentTier() { return chosen().load(std::memory_order_relaxed); }

bool setTier(Tier tier) {
  if (tier > detectTier()) return false;
  chosen().store(tier, std::memory_order_relaxed);
  return true;
}

}  // namespace onnx_cam::kernels
