// The one exception type of the native code: a code of lib/common/errors.ts and a sentence for people.
#pragma once

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

namespace onnx_cam {

class CodedError : public std::runtime_error {
 public:
  /// `code` must be a string literal: one of `ErrorCode` in lib/common/errors.ts.
  CodedError(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}

  const char* code() const noexcept { return code_; }

 private:
  const char* code_;
};

/// Whether memory ran out: ours, ONNX Runtime's or a device's.
inline bool isOutOfMemory(const std::exception& error) noexcept {
  if (const auto* coded = dynamic_cast<const CodedError*>(&error)) {
    return std::string_view(coded->code()) == "ERR_OUT_OF_MEMORY";
  }
  // More than a container can ever hold is more than the memory, too.
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         dynamic_cast<const std::length_error*>(&error) != nullptr;
}

}  // namespace onnx_cam
