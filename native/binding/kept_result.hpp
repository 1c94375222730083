// A JavaScript value that a task writes to and then hands out.
#pragma once

#include <napi.h>

#include <thread>

namespace onnx_cam {

/// A reference that only its own thread deletes: a task that is dropped with its environment may die on a pool thread,
/// where Node-API must not be called (the environment then takes the reference with it).
class KeptResult {
 public:
  explicit KeptResult(Napi::Object result) : reference_(Napi::Persistent(result)) {}
  ~KeptResult() {
    if (std::this_thread::get_id() != owner_) reference_.SuppressDestruct();
  }
  KeptResult(const KeptResult&) = delete;
  KeptResult& operator=(const KeptResult&) = delete;

  Napi::Value value() const { return reference_.Value(); }

 private:
  std::thread::id owner_ = std::this_thread::get_id();
  Napi::ObjectReference reference_;
};

}  // namespace onnx_cam
