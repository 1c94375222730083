// Which instructions the kernels use, and how many threads.
#include <string>

#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/base/tier.hpp"

namespace onnx_cam {
namespace {

using kernels::Tier;

#if defined(__aarch64__)
constexpr const char* kBaselineName = "neon";
#else
constexpr const char* kBaselineName = "baseline";
#endif

const char* nameOf(Tier tier) {
  switch (tier) {
    case Tier::avx2:
      return "avx2";
    case Tier::avx512:
      return "avx512";
    case Tier::baseline:
      break;
  }
  return kBaselineName;
}

// () → the tier in use
Napi::Value kernelTier(KernelCall& call) { return Napi::String::New(call.env(), nameOf(kernels::currentTier())); }

// () → every tier that this machine can run, slowest first
Napi::Value kernelTiers(KernelCall& call) {
  const Napi::Array tiers = Napi::Array::New(call.env());
  for (int tier = 0; tier <= static_cast<int>(kernels::detectTier()); tier++) {
    tiers.Set(static_cast<std::uint32_t>(tier), nameOf(static_cast<Tier>(tier)));
  }
  return tiers;
}

// (tier) → whether this machine can run it
Napi::Value setKernelTier(KernelCall& call) {
  const auto tier = static_cast<Tier>(call.choice(0, {kBaselineName, "avx2", "avx512"}));
  return Napi::Boolean::New(call.env(), kernels::setTier(tier));
}

Napi::Value kernelThreads(KernelCall& call) {
  return Napi::Number::New(call.env(), static_cast<double>(kernels::kernelThreads()));
}

// (count) → undefined
Napi::Value setKernelThreads(KernelCall& call) {
  kernels::setKernelThreads(call.size(0));
  return call.env().Undefined();
}

}  // namespace

void registerKernelTiers(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "kernelTier", kernelTier);
  exportKernel(env, exports, "kernelTiers", kernelTiers);
  exportKernel(env, exports, "setKernelTier", setKernelTier);
  exportKernel(env, exports, "kernelThreads", kernelThreads);
  exportKernel(env, exports, "setKernelThreads", setKernelThreads);
}

}  // namespace onnx_cam
