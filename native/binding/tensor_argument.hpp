// Tensors as lib/engine/native-engine.ts gives them.
#pragma once

#include <napi.h>

#include <cstdint>
#include <vector>

#include "binding/arguments.hpp"
#include "runtime/value.hpp"

namespace onnx_cam {

/// A tensor argument: `{ type, data, dims }` with ONNX's number for `type`.
struct TensorArgument {
  Bytes bytes;
  ElementType type;
  std::vector<int64_t> dims;
};

inline TensorArgument tensorOf(const Napi::Object& object) {
  return {bytesOf(object.Get("data")), static_cast<ElementType>(intAt(object, "type")), dimsOf(object.Get("dims"))};
}

inline std::vector<TensorArgument> tensorsOf(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<TensorArgument> tensors;
  for (uint32_t index = 0; index < array.Length(); ++index) {
    tensors.push_back(tensorOf(array.Get(index).As<Napi::Object>()));
  }
  return tensors;
}

}  // namespace onnx_cam
