#include "binding/cancellation.hpp"

namespace onnx_cam {

std::shared_ptr<Cancellation> cancellationOf(Napi::Value value) {
  if (!value.IsExternal()) return std::make_shared<Cancellation>();
  return *value.As<Napi::External<std::shared_ptr<Cancellation>>>().Data();
}

}  // namespace onnx_cam
