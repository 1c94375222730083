// Bindings of the kernels that work on maps.
#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/normalize.hpp"
#include "kernels/resize.hpp"

namespace onnx_cam {
namespace {

// (maps, count, positions, epsilon, relu) → [count · positions]
Napi::Value normalizeMaps(KernelCall& call) {
  const std::size_t count = call.size(1), positions = call.size(2);
  const float* maps = call.floats(0, call.product({count, positions}));
  const float epsilon = static_cast<float>(call.number(3));
  const bool relu = call.flag(4);
  Napi::Float32Array result = call.newFloats(count * positions);
  float* out = result.Data();
  return call.run(2 * count * positions, result,
                  [=] { kernels::normalizeMaps(maps, count, positions, epsilon, relu, out); });
}

// (maps, count, height, width, toHeight, toWidth, interpolation) → [count · toHeight · toWidth]
Napi::Value resizeMaps(KernelCall& call) {
  const std::size_t count = call.size(1);
  const kernels::MapSize from{call.size(2), call.size(3)}, to{call.size(4), call.size(5)};
  const float* maps = call.floats(0, call.product({count, from.height, from.width}));
  const auto interpolation =
      static_cast<kernels::Interpolation>(call.choice(6, {"bilinear", "align-corners", "bicubic", "nearest"}));
  Napi::Float32Array result = call.newFloats(call.product({count, to.height, to.width}));
  float* out = result.Data();
  return call.run(2 * count * (from.height * to.width + to.area()), result,
                  [=] { kernels::resizeMaps(maps, count, from, to, interpolation, out); });
}

}  // namespace

void registerMapKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "normalizeMaps", normalizeMaps);
  exportKernel(env, exports, "resizeMaps", resizeMaps);
}

}  // namespace onnx_cam
