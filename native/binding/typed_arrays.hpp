// Typed arrays in and out of bindings.
#pragma once

#include <napi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "binding/arguments.hpp"

namespace onnx_cam {

/// The elements of a typed array; null where there is none.
template <typename T>
struct Array {
  T* data = nullptr;
  std::size_t size = 0;
};

template <typename T>
Array<T> arrayAt(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsTypedArray()) return {};
  const Bytes bytes = bytesOf(value);
  return {reinterpret_cast<T*>(bytes.data), bytes.size / sizeof(T)};
}

inline std::vector<std::size_t> sizesAt(const Napi::Object& object, const char* key) {
  const std::vector<int64_t> dims = dimsOf(object.Get(key));
  return {dims.begin(), dims.end()};
}

/// A typed array `To` with a copy of the values.
template <typename To, typename From>
Napi::Value typedArrayOf(Napi::Env env, const std::vector<From>& values) {
  auto array = To::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

}  // namespace onnx_cam
