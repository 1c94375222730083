// The one exception type of the native code: a code of lib/common/errors.ts and a sentence for people.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace onnx_cam {

class CodedError : public std::runtime_error {
 public:
  /// `code` must be a string literal: one of `ErrorCode` in lib/common/errors.ts.
  CodedError(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}

  const char* code() const noexcept { return code_; }
  bool isOutOfMemory() const noexcept { return std::string_view(code_) == "ERR_OUT_OF_MEMORY"; }

 private:
  const char* code_;
};

}  // namespace onnx_cam
