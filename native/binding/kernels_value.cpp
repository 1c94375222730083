// Bindings of the kernels that go through maps value by value.
#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/map/change_values.hpp"
#include "kernels/map/colour_maps.hpp"
#include "kernels/map/combine_maps.hpp"
#include "kernels/map/map_ranges.hpp"
#include "kernels/map/scale_by_maximum.hpp"
#include "kernels/mask/positive_maps.hpp"
#include "kernels/picture/tensor_picture.hpp"

namespace onnx_cam {
namespace {

using kernels::Shape;

// (change, values, count) → [count]
Napi::Value changeValues(KernelCall& call) {
  const auto change = static_cast<kernels::ValueChange>(call.choice(0, {"absolute", "positive", "tanh-of-double"}));
  const std::size_t count = call.size(2);
  const float* values = call.floats(1, count);
  Napi::Float32Array result = call.newFloats(count);
  float* out = result.Data();
  const std::size_t operations = change == kernels::ValueChange::tanhOfDouble ? 30 : 1;
  return call.run(operations * count, result, [=] { kernels::changeValues(change, values, count, out); });
}

// (images, channels, positions, activations, images, gradients, images, lazy) → [images · channels · positions]
Napi::Value gateGradients(KernelCall& call) {
  const Shape shape = call.shape(0);
  const kernels::Features activations = call.features(3, shape);
  const kernels::Gradients gradients = call.gradients(5, shape);
  Napi::Float32Array result = call.newFloats(shape.size());
  float* out = result.Data();
  return call.run(3 * shape.size(), result, [=] { kernels::gateGradients(activations, gradients, shape, out); });
}

// (combination, maps, size) → [size]
Napi::Value combineMaps(KernelCall& call) {
  const auto combination = static_cast<kernels::Combination>(call.choice(0, {"mean", "maximum", "product", "sum"}));
  const std::size_t size = call.size(2);
  std::vector<const float*> maps;
  for (const auto& array : call.floatArrays(1)) {
    if (array.size() != size) call.fail("ERR_INPUT_SHAPE", "maps that are combined must have one size");
    maps.push_back(array.data());
  }
  Napi::Float32Array result = call.newFloats(size);
  float* out = result.Data();
  const std::size_t operations = 2 * maps.size() * size;
  return call.run(operations, result,
                  [=, maps = std::move(maps)] { kernels::combineMaps(combination, maps, size, out); });
}

// (values, masks, images, channels, positions) → [images · channels · positions]
Napi::Value maskColours(KernelCall& call) {
  const Shape shape = call.shape(2);
  const float* values = call.floats(0, shape.size());
  const float* masks = call.floats(1, shape.images * shape.positions);
  Napi::Float32Array result = call.newFloats(shape.size());
  float* out = result.Data();
  return call.run(2 * shape.size(), result, [=] { kernels::maskColours(values, masks, shape, out); });
}

// (values, images, channels, positions) → [images · positions]
Napi::Value colourStrength(KernelCall& call) {
  const Shape shape = call.shape(1);
  const float* values = call.floats(0, shape.size());
  Napi::Float32Array result = call.newFloats(shape.images * shape.positions);
  float* out = result.Data();
  return call.run(2 * shape.size(), result, [=] { kernels::colourStrength(values, shape, out); });
}

// (maps, count, positions) → [count · 3]: min, max, whether all is finite
Napi::Value mapRanges(KernelCall& call) {
  const std::size_t count = call.size(1), positions = call.size(2), size = call.product({count, positions});
  const float* maps = call.floats(0, size);
  Napi::Float32Array result = call.newFloats(call.product({3, count}));
  float* out = result.Data();
  return call.run(3 * size, result, [=] { kernels::mapRanges(maps, count, positions, out); });
}

// (maps, count, positions) → [count · positions]
Napi::Value scaleByMaximum(KernelCall& call) {
  const std::size_t count = call.size(1), positions = call.size(2), size = call.product({count, positions});
  const float* maps = call.floats(0, size);
  Napi::Float32Array result = call.newFloats(size);
  float* out = result.Data();
  return call.run(6 * size, result, [=] { kernels::scaleByMaximum(maps, count, positions, out); });
}

// (maps, count, positions, percentile) → [count · positions]
Napi::Value positiveMaps(KernelCall& call) {
  const std::size_t count = call.size(1), positions = call.size(2), size = call.product({count, positions});
  const float* maps = call.floats(0, size);
  const double q = call.number(3);
  if (!(q >= 0 && q <= 100)) call.fail("ERR_OPTION_INVALID", "a percentile must be from 0 to 100");
  Napi::Float32Array result = call.newFloats(size);
  float* out = result.Data();
  return call.run((q > 0 ? 30 : 2) * size, result, [=] { kernels::positiveMaps(maps, count, positions, q, out); });
}

// (tensor, count, start, row, column, channel, height, width) → Uint8Array [height · width · 3]
Napi::Value tensorPicture(KernelCall& call) {
  const std::size_t count = call.size(1), height = call.size(6), width = call.size(7);
  const kernels::PlaneSteps steps{call.size(2, 0), call.size(3, 0), call.size(4, 0), call.size(5, 0)};
  if (steps.start + (height - 1) * steps.row + (width - 1) * steps.column + 2 * steps.channel >= count) {
    call.fail("ERR_INPUT_SHAPE", "the plane must lie inside the tensor");
  }
  const float* tensor = call.floats(0, count);
  Napi::Uint8Array result = call.newBytes(call.product({3, call.product({height, width})}));
  std::uint8_t* out = result.Data();
  return call.run(3 * count + 20 * height * width, result,
                  [=] { kernels::tensorPicture(tensor, count, steps, height, width, out); });
}

// (arrays of any lengths) → all of them one behind the other
Napi::Value concatenateFloats(KernelCall& call) {
  std::vector<std::span<const float>> arrays = call.floatArrays(0);
  std::size_t total = 0;
  for (const auto& array : arrays) total = call.sum(total, array.size());
  Napi::Float32Array result = call.newFloats(total);
  float* out = result.Data();
  return call.run(total, result, [out, arrays = std::move(arrays)] {
    float* to = out;
    for (const auto& array : arrays) to = std::copy(array.begin(), array.end(), to);
  });
}

}  // namespace

void registerValueKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "changeValues", changeValues);
  exportKernel(env, exports, "gateGradients", gateGradients);
  exportKernel(env, exports, "combineMaps", combineMaps);
  exportKernel(env, exports, "maskColours", maskColours);
  exportKernel(env, exports, "colourStrength", colourStrength);
  exportKernel(env, exports, "mapRanges", mapRanges);
  exportKernel(env, exports, "scaleByMaximum", scaleByMaximum);
  exportKernel(env, exports, "positiveMaps", positiveMaps);
  exportKernel(env, exports, "tensorPicture", tensorPicture);
  exportKernel(env, exports, "concatenateFloats", concatenateFloats);
}

}  // namespace onnx_cam
