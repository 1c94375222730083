// Bindings of the kernels that read or write pixels.
#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/picture/color.hpp"
#include "kernels/picture/image_tensor.hpp"
#include "kernels/picture/resample_image.hpp"

namespace onnx_cam {
namespace {

constexpr std::size_t kTableBytes = 3 * 256;

// (pixels, count, channels, scale, mean[3], std[3], reversed, planar, out or null) → [count · channels]
Napi::Value imageToTensor(KernelCall& call) {
  const std::size_t count = call.size(1), channels = call.size(2);
  if (channels != 1 && channels != 3) {
    call.fail("ERR_INPUT_SHAPE", "pictures have 1 or 3 channels");
  }
  const std::size_t values = call.product({count, channels});
  kernels::PixelNormalization normalization;
  normalization.scale = call.number(3);
  for (std::size_t c = 0; c < 3; c++) {
    normalization.mean[c] = call.number(4 + c);
    normalization.std[c] = call.number(7 + c);
  }
  normalization.reversed = call.flag(10);
  normalization.planar = call.flag(11);
  Napi::Float32Array tensor = call.floatsFor(12, values);
  float* out = tensor.Data();
  const auto make = [&](auto* pixels) {
    return call.run(4 * values, tensor, [=] { kernels::imageToTensor(pixels, count, channels, normalization, out); });
  };
  if (call.isFloats(0)) return make(call.floats(0, values));
  if (call.isDoubles(0)) return make(call.doubles(0, values));
  return make(call.bytes(0, values));
}

// (pixels, width, height, channels, toWidth, toHeight, x, y, windowWidth, windowHeight, filter, asFloat, out or null)
// → [windowHeight · windowWidth · channels]; of pixels that are float or double the same, whatever asFloat says
Napi::Value resampleImage(KernelCall& call) {
  const kernels::ImageSize from{call.size(1), call.size(2)}, to{call.size(4), call.size(5)};
  const std::size_t channels = call.size(3);
  const std::size_t values = call.product({from.width, from.height, channels});
  const kernels::ImageWindow window{call.size(6, 0), call.size(7, 0), call.size(8), call.size(9)};
  if (window.x + window.width > to.width || window.y + window.height > to.height) {
    call.fail("ERR_OPTION_INVALID", "the window must lie inside the result");
  }
  const auto filter = static_cast<kernels::ImageFilter>(call.choice(10, {"bilinear", "bicubic", "nearest"}));
  const std::size_t count = call.product({window.width, window.height, channels});
  const std::size_t work = 4 * (values + count);
  const auto resample = [&](auto result, auto* pixels) {
    auto* out = result.Data();
    return call.run(work, result, [=] { kernels::resampleImage(pixels, from, channels, to, window, filter, out); });
  };
  if (call.isFloats(0)) return resample(call.newFloats(count), call.floats(0, values));
  if (call.isDoubles(0)) return resample(call.newDoubles(count), call.doubles(0, values));
  const std::uint8_t* pixels = call.bytes(0, values);
  if (call.flag(11)) return resample(call.floatsFor(12, count), pixels);
  return resample(call.bytesFor(12, count), pixels);
}

// (map, count, table) → [count · 3]
Napi::Value colorizeMap(KernelCall& call) {
  const std::size_t count = call.size(1);
  const float* map = call.floats(0, count);
  const std::uint8_t* table = call.bytes(2, kTableBytes);
  Napi::Uint8Array result = call.newBytes(3 * count);
  std::uint8_t* out = result.Data();
  return call.run(8 * count, result, [=] { kernels::colorizeMap(map, count, table, out); });
}

// (picture, map, count, table, alpha, out or null) → [count · 3]; out may be the picture
Napi::Value overlayMap(KernelCall& call) {
  const std::size_t count = call.size(2);
  const std::uint8_t* picture = call.bytes(0, 3 * count);
  const float* map = call.floats(1, count);
  const std::uint8_t* table = call.bytes(3, kTableBytes);
  const double alpha = call.number(4);
  if (!(alpha >= 0 && alpha <= 1)) call.fail("ERR_OPTION_INVALID", "alpha must be from 0 to 1");
  Napi::Uint8Array result = call.bytesFor(5, 3 * count);
  std::uint8_t* out = result.Data();
  return call.run(16 * count, result, [=] { kernels::overlayMap(picture, map, count, table, alpha, out); });
}

}  // namespace

void registerImageKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "imageToTensor", imageToTensor);
  exportKernel(env, exports, "resampleImage", resampleImage);
  exportKernel(env, exports, "colorizeMap", colorizeMap);
  exportKernel(env, exports, "overlayMap", overlayMap);
}

}  // namespace onnx_cam
