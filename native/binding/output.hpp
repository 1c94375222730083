// Tensors of ONNX Runtime as JavaScript values.
#pragma once

#include <napi.h>

#include "runtime/value.hpp"

namespace onnx_cam {

/// `{ type, data, dims }` with ONNX's number for `type`. The typed array lies over the tensor's own memory, which the
/// garbage collector then frees; where `copy` is set or the runtime forbids external buffers (Electron), it is a copy.
/// JavaScript thread only.
Napi::Object tensorToJs(Napi::Env env, OrtPtr<OrtValue> value, const TensorView& view, bool copy);

}  // namespace onnx_cam
