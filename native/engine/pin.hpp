#pragma once

namespace onnx_cam {

/// Keeps the shared library that contains this code mapped until the process ends. Node unloads an addon with the last
/// environment that uses it (a worker's, for instance); threads that sleep in our code would wake up in nothing.
void pinModule();

}  // namespace onnx_cam
