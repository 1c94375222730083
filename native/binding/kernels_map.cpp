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

// (stacks, their heights and widths [2 · stacks], count, toHeight, toWidth) → [count · toHeight · toWidth]
Napi::Value meanAtSize(KernelCall& call) {
  const std::size_t count = call.size(2);
  const kernels::MapSize to{call.size(3), call.size(4)};
  const auto arrays = call.floatArrays(0);
  const double* sides = call.doubles(1, call.product({2, arrays.size()}));
  if (arrays.empty()) call.fail("ERR_INPUT_SHAPE", "a mean needs at least one stack of maps");
  std::vector<kernels::MapStack> stacks;
  double operations = 0;
  for (std::size_t i = 0; i < arrays.size(); i++) {
    const double height = sides[2 * i], width = sides[2 * i + 1];
    if (!(height >= 1 && width >= 1 &&
          height * width * static_cast<double>(count) == static_cast<double>(arrays[i].size()))) {
      call.fail("ERR_INPUT_SHAPE", "every stack must hold as many maps of its size");
    }
    const kernels::MapSize size{static_cast<std::size_t>(height), static_cast<std::size_t>(width)};
    if (size.area() * count != arrays[i].size()) call.fail("ERR_INPUT_SHAPE", "sizes must be whole numbers");
    stacks.push_back({arrays[i].data(), size});
    operations += 2.0 * static_cast<double>(count) * static_cast<double>(size.height * to.width + to.area());
  }
  Napi::Float32Array result = call.newFloats(call.product({count, to.height, to.width}));
  float* out = result.Data();
  return call.run(operations, result, [=, stacks = std::move(stacks)] { kernels::meanAtSize(stacks, count, to, out); });
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

}  // namespace

void registerMapKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "normalizeMaps", normalizeMaps);
  exportKernel(env, exports, "placeMaps", placeMaps);
  exportKernel(env, exports, "resizeMaps", resizeMaps);
  exportKernel(env, exports, "meanAtSize", meanAtSize);
}

}  // namespace onnx_cam
