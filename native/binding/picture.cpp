// Bindings of the picture kernels. Sizes are checked here, so that no call from JavaScript reads or writes outside its
// buffers; the TypeScript side (lib/kernels) gives the messages for people.
#include <cmath>

#include "binding/registry.hpp"
#include "binding/task.hpp"
#include "kernels/place_maps.hpp"
#include "kernels/resize_antialiased.hpp"

namespace onnx_cam {
namespace {

/// Output pixels up to which a call is done on the caller's thread.
constexpr std::size_t kInlinePixels = 4096;

void require(Napi::Env env, bool condition) {
  if (!condition) throw Napi::TypeError::New(env, "the sizes and buffers of a picture kernel do not fit together");
}

bool isArray(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

std::size_t sizeAt(const Napi::CallbackInfo& info, std::size_t index) {
  const double value = info[index].As<Napi::Number>().DoubleValue();
  require(info.Env(), value >= 0 && value <= 4294967295.0 && value == std::floor(value));
  return static_cast<std::size_t>(value);
}

/// (picture, width, height, toWidth, toHeight, x, y, windowWidth, windowHeight, filter, out)
Napi::Value resizeAntialiased(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  require(env, info.Length() == 11 && isArray(info[0], napi_uint8_array) && isArray(info[10], napi_uint8_array));
  Napi::Uint8Array picture = info[0].As<Napi::Uint8Array>(), out = info[10].As<Napi::Uint8Array>();
  const kernels::PictureSize from{sizeAt(info, 1), sizeAt(info, 2)}, to{sizeAt(info, 3), sizeAt(info, 4)};
  const kernels::PictureWindow window{sizeAt(info, 5), sizeAt(info, 6), sizeAt(info, 7), sizeAt(info, 8)};
  const std::size_t filter = sizeAt(info, 9);
  require(env, from.width > 0 && from.height > 0 && window.width > 0 && window.height > 0 && filter <= 2);
  require(env, window.x + window.width <= to.width && window.y + window.height <= to.height);
  require(env, picture.ByteLength() == from.width * from.height * 3);
  require(env, out.ByteLength() == window.width * window.height * 3);
  const std::uint8_t* source = picture.Data();
  std::uint8_t* target = out.Data();
  return runTask(
      env, {picture, out},
      [=] {
        kernels::resizeAntialiased(source, from, to, window, static_cast<kernels::PictureFilter>(filter), target);
      },
      [](Napi::Env env) { return env.Undefined(); }, from.width * from.height <= kInlinePixels);
}

/// (maps, count, mapWidth, mapHeight, width, height, xScale, xOffset, xBegin, xEnd, yScale, yOffset, yBegin, yEnd, out)
Napi::Value placeMaps(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  require(env, info.Length() == 15 && isArray(info[0], napi_float32_array) && isArray(info[14], napi_float32_array));
  Napi::Float32Array maps = info[0].As<Napi::Float32Array>(), out = info[14].As<Napi::Float32Array>();
  const std::size_t count = sizeAt(info, 1);
  const auto number = [&](std::size_t index) { return info[index].As<Napi::Number>().DoubleValue(); };
  const kernels::AxisPlacement x{sizeAt(info, 2), sizeAt(info, 4), number(6), number(7), sizeAt(info, 8), sizeAt(info, 9)};
  const kernels::AxisPlacement y{sizeAt(info, 3),  sizeAt(info, 5),  number(10),
                                 number(11), sizeAt(info, 12), sizeAt(info, 13)};
  for (const auto& axis : {x, y}) {
    require(env, axis.mapLength > 0 && axis.begin <= axis.end && axis.end <= axis.length);
    require(env, std::isfinite(axis.scale) && std::isfinite(axis.offset));
  }
  require(env, maps.ElementLength() == count * x.mapLength * y.mapLength);
  require(env, out.ElementLength() == count * x.length * y.length);
  const float* source = maps.Data();
  float* target = out.Data();
  return runTask(
      env, {maps, out}, [=] { kernels::placeMaps(source, count, x, y, target); },
      [](Napi::Env env) { return env.Undefined(); }, out.ElementLength() <= kInlinePixels);
}

}  // namespace

void registerPicture(Napi::Env env, Napi::Object exports) {
  exports.Set("resizeAntialiased", Napi::Function::New(env, resizeAntialiased));
  exports.Set("placeMaps", Napi::Function::New(env, placeMaps));
}

}  // namespace onnx_cam
