// A loaded model. No Node in here: native loops run it on any thread with raw OrtValues.
#pragma once

#include <onnxruntime_c_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/cancellation.hpp"
#include "engine/session_config.hpp"
#include "runtime/library.hpp"

namespace onnx_cam {

class Device;

/// An input or output of a model.
struct ValueInfo {
  std::string name;
  ONNXType kind = ONNX_TYPE_UNKNOWN;
  /// Undefined for anything but a tensor.
  ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  /// -1 where dynamic; `symbols` then has the dimension's name, or an empty string.
  std::vector<int64_t> dims;
  std::vector<std::string> symbols;
};

class Session {
 public:
  /// Loads a serialised model; takes long (optimisation, weight packing), so not on the event loop. `model` and the
  /// external files may be freed afterwards. `cancellation` may be null; raised, it ends the creation early where the
  /// library can (1.22 on), and the exception then means nothing.
  ///
  /// A provider that cannot be used is an error, unless "cpu" is listed as well: then it is a warning.
  /// Throws CodedError: ERR_MODEL_INVALID, ERR_MODEL_UNSUPPORTED, ERR_EXTERNAL_DATA, ERR_PROVIDER_UNAVAILABLE,
  /// ERR_OPTION_INVALID, ERR_OUT_OF_MEMORY.
  static std::shared_ptr<Session> create(const Library& library, std::span<const std::byte> model,
                                         const SessionConfig& config, Cancellation* cancellation);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Library& library() const { return library_; }
  const std::vector<ValueInfo>& inputs() const { return inputs_; }
  const std::vector<ValueInfo>& outputs() const { return outputs_; }
  /// Where the session's tensors may be kept between runs and kernels; null for a session on the CPU.
  Device* device() const { return device_.get(); }
  /// Whether an execution provider other than the CPU's is in use.
  bool accelerated() const { return accelerated_; }
  /// Providers that could not be used, one sentence each.
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// Runs the model; several threads may do so at once. `outputs` holds null (ONNX Runtime allocates; the caller
  /// releases) or tensors to write into. `cancellation` (may be null) ends the run between two nodes; the exception
  /// then means nothing and the caller asks the cancellation.
  /// Throws CodedError: ERR_RUNTIME with ONNX Runtime's text, ERR_OUT_OF_MEMORY.
  void run(std::span<const char* const> inputNames, std::span<const OrtValue* const> inputs,
           std::span<const char* const> outputNames, std::span<OrtValue*> outputs, Cancellation* cancellation) const;

  /// A binding of tensors to this session's inputs and outputs, for runBound.
  OrtPtr<OrtIoBinding> makeBinding() const;
  /// Queues a run on the device's queue, whose turn the caller holds; what it writes is there for what is queued behind
  /// it. Otherwise as `run`.
  void runBound(OrtIoBinding* binding, Cancellation* cancellation) const;

 private:
  Session(const Library& library, OrtPtr<OrtSession> session);
  OrtPtr<OrtRunOptions> makeRunOptions() const;
  void checkRun(OrtStatus* status) const;
  std::vector<ValueInfo> describe(bool inputs) const;

  const Library& library_;
  /// Outlives the session, which works on its queue.
  std::shared_ptr<Device> device_;
  OrtPtr<OrtSession> session_;
  bool accelerated_ = false;
  bool cudaGraphs_ = false;
  std::vector<ValueInfo> inputs_;
  std::vector<ValueInfo> outputs_;
  std::vector<std::string> warnings_;
};

}  // namespace onnx_cam
