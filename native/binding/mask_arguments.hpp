// Mask settings as lib/scoring/native-scoring.ts gives them.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "binding/arguments.hpp"
#include "binding/typed_arrays.hpp"
#include "kernels/mask/mask_batch.hpp"

namespace onnx_cam {

inline double numberAt(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::Number>().DoubleValue();
}

inline kernels::MaskRule ruleOf(const Napi::Object& object) {
  return {static_cast<kernels::MaskStretch>(intAt(object, "stretch")), static_cast<float>(numberAt(object, "epsilon")),
          boolAt(object, "complement")};
}

/// y and x per map.
inline std::vector<kernels::MaskOffset> offsetsOf(const Napi::Object& object) {
  const auto values = arrayAt<uint32_t>(object, "offsets");
  std::vector<kernels::MaskOffset> offsets;
  for (std::size_t i = 0; i + 1 < values.size; i += 2) offsets.push_back({values.data[i], values.data[i + 1]});
  return offsets;
}

}  // namespace onnx_cam
