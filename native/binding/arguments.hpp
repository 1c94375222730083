// Reading arguments that lib/engine/ has validated already.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace onnx_cam {

/// The memory of a typed array, offset included; also of one over a SharedArrayBuffer.
struct Bytes {
  char* data = nullptr;
  std::size_t size = 0;
};

/// Throws a TypeError for anything but a typed array.
Bytes bytesOf(Napi::Value value);

std::string stringAt(const Napi::Object& object, const char* key);
int intAt(const Napi::Object& object, const char* key);
bool boolAt(const Napi::Object& object, const char* key);
/// The list under `key`, each item converted by `convert(Napi::Object)`.
template <typename Convert>
auto listAt(const Napi::Object& object, const char* key, Convert convert) {
  const auto array = object.Get(key).As<Napi::Array>();
  std::vector<decltype(convert(Napi::Object()))> result;
  result.reserve(array.Length());
  for (uint32_t index = 0; index < array.Length(); ++index) {
    result.push_back(convert(array.Get(index).As<Napi::Object>()));
  }
  return result;
}

std::vector<int64_t> dimsOf(Napi::Value value);
std::vector<std::string> stringsOf(Napi::Value value);

}  // namespace onnx_cam
