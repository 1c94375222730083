// Bindings of what changes the geometry of pictures, and of what is made of maps that were seen so.
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/map/augmented_map.hpp"
#include "kernels/picture/warp.hpp"

namespace onnx_cam {
namespace {

constexpr std::size_t kNumbersPerMapping = 6;
// A mapping multiplies the samples of a pixel by up to four before they are merged.
constexpr std::size_t kMostSteps = 4;

std::vector<kernels::Affine> mappingsAt(KernelCall& call, std::size_t index, std::size_t count) {
  const double* numbers = call.doubles(index, call.product({count, kNumbersPerMapping}));
  std::vector<kernels::Affine> mappings(count);
  for (std::size_t i = 0; i < count; i++) {
    const double* m = numbers + i * kNumbersPerMapping;
    for (std::size_t j = 0; j < kNumbersPerMapping; j++) {
      if (!std::isfinite(m[j])) call.fail("ERR_OPTION_INVALID", "mappings must be finite numbers");
    }
    mappings[i] = {m[0], m[1], m[2], m[3], m[4], m[5]};
  }
  return mappings;
}

// (images, number of images, planes, height, width, inner, mappings [n · 6], n, fill or null, cancellation?)
// → [n · planes · height · width · inner]
Napi::Value warp(KernelCall& call) {
  const std::size_t images = call.size(1), count = call.size(7);
  const kernels::WarpLayout layout{call.size(2), call.size(3), call.size(4), call.size(5)};
  call.product({layout.planes, layout.height, layout.width, layout.inner});
  if (call.product({layout.height, layout.width, layout.inner}) > std::numeric_limits<std::int32_t>::max()) {
    call.fail("ERR_INPUT_SHAPE", "a plane must have fewer than 2^31 values");
  }
  if (images != 1 && images != count) {
    call.fail("ERR_INPUT_SHAPE", "there must be one image, or as many as mappings, " + std::to_string(count));
  }
  const float* data = call.floats(0, call.product({images, layout.size()}));
  std::vector<kernels::Affine> mappings = mappingsAt(call, 6, count);
  const float* fill = call.isNull(8) ? nullptr : call.floats(8, layout.fills());
  const std::size_t step = images == 1 ? 0 : layout.size(), values = call.product({count, layout.size()});
  Napi::Float32Array result = call.newFloats(values);
  float* out = result.Data();
  return call.run(8 * static_cast<double>(values), result, [=, mappings = std::move(mappings)] {
    kernels::warp(data, step, layout, mappings.data(), count, fill, out);
  });
}

// (maps [n · h · w], n, h, w, height, width, mappings [n · steps · 6], steps, totalVariation, energy, iterations, rate,
// cancellation?) → [height · width]
Napi::Value augmentedMap(KernelCall& call) {
  const std::size_t count = call.size(1), steps = call.size(7);
  const kernels::MapSize observed{call.size(2), call.size(3)}, size{call.size(4), call.size(5)};
  const std::size_t rows = call.product({count, observed.height, observed.width});
  const float* maps = call.floats(0, rows);
  if (steps > kMostSteps) {
    call.fail("ERR_OPTION_INVALID", "there may be up to " + std::to_string(kMostSteps) + " mappings of a map");
  }
  std::vector<kernels::Affine> mappings = mappingsAt(call, 6, call.product({count, steps}));
  const kernels::AugmentedWeights weights{call.number(8), call.number(9)};
  const kernels::AdamOptions adam{call.size(10, 0), call.number(11)};
  for (const double number : {weights.totalVariation, weights.energy, adam.rate}) {
    if (!(number >= 0 && std::isfinite(number))) {
      call.fail("ERR_OPTION_INVALID", "weights and rate must be finite numbers of at least 0");
    }
  }
  const std::size_t pixels = call.product({size.height, size.width});
  Napi::Float32Array result = call.newFloats(pixels);
  float* out = result.Data();
  const double operations =
      2000 * static_cast<double>(rows) + static_cast<double>(adam.iterations) * 40 * static_cast<double>(rows + pixels);
  return call.run(operations, result, [=, mappings = std::move(mappings)] {
    kernels::AugmentedObjective objective(maps, {mappings.data(), count, steps}, observed, size, weights);
    kernels::minimize(objective, adam, out);
  });
}

}  // namespace

void registerWarpKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "warp", warp);
  exportKernel(env, exports, "augmentedMap", augmentedMap);
}

}  // namespace onnx_cam
