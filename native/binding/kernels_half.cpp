// Weights for half-precision models, for lib/model/rewrite/half-precision.ts.
#include <napi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "binding/arguments.hpp"
#include "binding/registry.hpp"
#include "binding/task.hpp"
#include "binding/typed_arrays.hpp"
#include "kernels/base/half.hpp"

namespace onnx_cam {

namespace {

// halfWeights(Float32Array) → Uint16Array, or a promise for it: half floats, finite values beyond their range as the largest.
Napi::Value halfWeights(const Napi::CallbackInfo& info) {
  const Bytes bytes = bytesOf(info[0]);
  const std::size_t count = bytes.size / sizeof(float);
  auto halves = std::make_shared<std::vector<std::uint16_t>>(count);
  constexpr std::size_t kWorthAThread = 1 << 14;
  const auto convert = [=] {
    kernels::floatToHalfSaturated(reinterpret_cast<const float*>(bytes.data), count, halves->data());
  };
  const auto result = [halves](Napi::Env env) { return typedArrayOf<Napi::Uint16Array>(env, *halves); };
  if (count < kWorthAThread) {
    convert();
    return result(info.Env());
  }
  return runTask(info.Env(), {info[0].As<Napi::Object>()}, convert, result);
}

}  // namespace

void registerHalfKernels(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "halfWeights", halfWeights);
}

}  // namespace onnx_cam
