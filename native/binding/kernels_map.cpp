// Bindings of the kernels that work on maps.
#include <cmath>
#include <vector>

#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/map/normalize.hpp"
#include "kernels/map/place_maps.hpp"
#include "kernels/map/resize.hpp"
#include "kernels/reduce/channel_sum.hpp"

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

// scale, offset, begin and end of one axis of the result, from `index` on
kernels::AxisPlacement axisAt(const KernelCall& call, std::size_t index, std::size_t mapLength, std::size_t length) {
  const kernels::AxisPlacement axis{
      mapLength, length, call.number(index), call.number(index + 1), call.size(index + 2, 0), call.size(index + 3, 0)};
  if (axis.begin > axis.end || axis.end > length || !std::isfinite(axis.scale) || !std::isfinite(axis.offset)) {
    throw Napi::RangeError::New(call.env(), "the range must lie inside the result, scale and offset must be finite");
  }
  return axis;
}

// Twice the work that it is: the result of a whole picture is fresh memory, and the system takes its time to give it.
std::size_t placingCost(std::size_t count, std::size_t height, std::size_t toWidth, std::size_t values) {
  return 4 * (count * height * toWidth + values);
}

// (maps, count, height, width, toHeight, toWidth, y: scale, offset, begin, end, x: the same)
// → [count · toHeight · toWidth]
Napi::Value placeMaps(KernelCall& call) {
  const std::size_t count = call.size(1), height = call.size(2), width = call.size(3);
  const float* maps = call.floats(0, call.product({count, height, width}));
  const kernels::AxisPlacement y = axisAt(call, 6, height, call.size(4)), x = axisAt(call, 10, width, call.size(5));
  const std::size_t values = call.product({count, y.length, x.length});
  Napi::Float32Array result = call.newFloats(values);
  float* out = result.Data();
  return call.run(placingCost(count, height, x.length, values), result,
                  [=] { kernels::placeMaps(maps, count, x, y, out); });
}

// One image's way from its layer to its picture in one call: what lies between two calls costs more than the arithmetic
// once a network has run through the caches. The kernels are those of the single calls, and so are the values.
// (term, channels, height, width, activations, factors, lazy, epsilon, relu, toHeight, toWidth, y: scale, offset, begin,
// end, x: the same, raw: receives the sums [height · width]) → [toHeight · toWidth]
Napi::Value placedSum(KernelCall& call) {
  const auto term = static_cast<kernels::Term>(call.choice(0, {"product", "positive-product", "positive-gradient"}));
  const std::size_t channels = call.size(1), height = call.size(2), width = call.size(3);
  const kernels::Shape shape{1, channels, call.product({height, width})};
  const kernels::Features activations{call.floats(4, call.product({channels, shape.positions})), 0};
  const bool lazy = call.flag(6);
  const kernels::Gradients factors{call.floats(5, lazy ? channels : shape.size()), 0, lazy};
  const float epsilon = static_cast<float>(call.number(7));
  const bool relu = call.flag(8);
  const kernels::AxisPlacement y = axisAt(call, 11, height, call.size(9)), x = axisAt(call, 15, width, call.size(10));
  const std::size_t values = call.product({y.length, x.length});
  float* raw = call.floatsFor(19, shape.positions).Data();
  Napi::Float32Array result = call.newFloats(values);
  float* out = result.Data();
  return call.run(shape.size() * (lazy ? 1 : 2) + placingCost(1, height, x.length, values), result, [=] {
    kernels::channelSum(term, activations, factors, shape, raw);
    std::vector<float> stretched(shape.positions);
    kernels::normalizeMaps(raw, 1, shape.positions, epsilon, relu, stretched.data());
    kernels::placeMaps(stretched.data(), 1, x, y, out);
  });
}

}  // namespace

void registerMapKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "normalizeMaps", normalizeMaps);
  exportKernel(env, exports, "placedSum", placedSum);
  exportKernel(env, exports, "placeMaps", placeMaps);
  exportKernel(env, exports, "resizeMaps", resizeMaps);
}

}  // namespace onnx_cam
