// Cancellations as lib/engine/cancellation.ts makes them.
#pragma once

#include <napi.h>

#include <memory>

#include "engine/cancellation.hpp"

namespace onnx_cam {

/// The cancellation of an argument; a fresh one when it is left out, so that the end of the environment can always end the
/// work.
std::shared_ptr<Cancellation> cancellationOf(Napi::Value value);

}  // namespace onnx_cam
