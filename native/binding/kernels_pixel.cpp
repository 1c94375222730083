// Bindings of what metrics do to pictures and pixels.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/impute/impute_pixels.hpp"
#include "kernels/map/pixel_order.hpp"
#include "kernels/picture/picture_values.hpp"

namespace onnx_cam {
namespace {

using kernels::PictureLayout;

/// channels, height, width, channelsLast at `index` … `index` + 3
PictureLayout layoutAt(const KernelCall& call, std::size_t index) {
  const PictureLayout layout{call.size(index), call.size(index + 1), call.size(index + 2), call.flag(index + 3)};
  call.product({layout.channels, layout.height, layout.width});
  return layout;
}

// (map, count, order [count]) → [1]: 0, and `order` is filled; 1 where the map holds a NaN
Napi::Value pixelOrder(KernelCall& call) {
  const std::size_t count = call.size(1);
  const float* map = call.floats(0, count);
  std::uint32_t* order = call.wordsFor(2, count);
  Napi::Float32Array result = call.newFloats(1);
  float* out = result.Data();
  return call.run(30 * static_cast<double>(count), result,
                  [=] { *out = kernels::pixelOrder(map, count, order) ? 0.0f : 1.0f; });
}

// (image, channels, height, width, channelsLast, map) → the image's values
Napi::Value multiplyByMap(KernelCall& call) {
  const PictureLayout layout = layoutAt(call, 1);
  const float* image = call.floats(0, layout.size());
  const float* map = call.floats(5, layout.pixels());
  Napi::Float32Array result = call.newFloats(layout.size());
  float* out = result.Data();
  return call.run(2 * static_cast<double>(layout.size()), result,
                  [=] { kernels::multiplyByMap(image, layout, map, out); });
}

// (image, channels, height, width, channelsLast, kernel Float64Array, border, cancellation?) → the image's values
Napi::Value blurPicture(KernelCall& call) {
  const PictureLayout layout = layoutAt(call, 1);
  const float* image = call.floats(0, layout.size());
  const std::size_t length = call.length(5);
  if (length % 2 == 0) call.fail("ERR_OPTION_INVALID", "a kernel of a blur must have an odd length");
  const double* weights = call.doubles(5, length);
  const auto border = static_cast<kernels::Border>(call.choice(6, {"zero", "reflect"}));
  std::vector<float> kernel(weights, weights + length);
  Napi::Float32Array result = call.newFloats(layout.size());
  float* out = result.Data();
  return call.run(4 * static_cast<double>(length) * static_cast<double>(layout.size()), result,
                  [=, kernel = std::move(kernel)] { kernels::blurPicture(image, layout, kernel, border, out); });
}

// (image, channels, height, width, channelsLast, order, ranges [n · 2], noise, seed, cancellation?) → [n · image's values]
Napi::Value imputePixels(KernelCall& call) {
  const PictureLayout layout = layoutAt(call, 1);
  const float* image = call.floats(0, layout.size());
  const std::size_t pixels = call.length(5), bounds = call.length(6);
  const std::uint32_t* order = call.words(5, pixels);
  const std::uint32_t* ends = call.words(6, bounds - bounds % 2);
  const kernels::ImputeNoise noise{call.number(7), call.seed(8)};
  if (!std::isfinite(noise.deviation)) call.fail("ERR_OPTION_INVALID", "noise must be a finite number");
  std::vector<kernels::PixelRange> ranges;
  double operations = 0;
  for (std::size_t i = 0; i < bounds; i += 2) {
    ranges.push_back({ends[i], ends[i + 1]});
    if (ends[i] > ends[i + 1] || ends[i + 1] > pixels) {
      call.fail("ERR_INPUT_SHAPE", "pixels " + std::to_string(ends[i]) + " to " + std::to_string(ends[i + 1]) +
                                       " are no stretch of an order of " + std::to_string(pixels));
    }
    for (std::size_t at = ends[i]; at < ends[i + 1]; at++) {
      if (order[at] >= layout.pixels()) {
        call.fail("ERR_INPUT_SHAPE", "the order names pixel " + std::to_string(order[at]) + " of a picture of " +
                                         std::to_string(layout.pixels()));
      }
    }
    operations += 200 * static_cast<double>(layout.size());
  }
  const std::size_t count = ranges.size();
  Napi::Float32Array result = call.newFloats(count == 0 ? 0 : call.product({count, layout.size()}));
  float* out = result.Data();
  return call.run(operations, result, [=, ranges = std::move(ranges)] {
    kernels::imputePixels(image, layout, order, ranges.data(), count, noise, out);
  });
}

}  // namespace

void registerPixelKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "pixelOrder", pixelOrder);
  exportKernel(env, exports, "multiplyByMap", multiplyByMap);
  exportKernel(env, exports, "blurPicture", blurPicture);
  exportKernel(env, exports, "imputePixels", imputePixels);
}

}  // namespace onnx_cam
