// The ONNX Runtime shared library, opened at run time.
#pragma once

#include <onnxruntime_c_api.h>

#include <memory>
#include <string>
#include <vector>

namespace onnx_cam {

/// An opened library with its one environment. Made once per file and process, never released: sessions, pool threads
/// and other users of the same library (onnxruntime-node) may outlive every owner we could name.
struct Library {
  const OrtApi* api = nullptr;
  OrtEnv* env = nullptr;
  OrtMemoryInfo* cpuMemory = nullptr;
  std::string path;
  /// As the library says, e.g. "1.29.0".
  std::string version;
  /// Functions that came after this minor version must not be called: the function table may end before them.
  int apiVersion = 0;

  /// Opens the library at `path` (UTF-8), or returns the one opened before. Any thread.
  /// Telemetry is switched off first, unless the user has set ORT_DISABLE_TELEMETRY himself.
  /// Throws CodedError: ERR_RUNTIME_NOT_FOUND when it cannot be opened, is no ONNX Runtime or is too old.
  static const Library& open(const std::string& path);

  /// The execution providers compiled into it, e.g. "CPUExecutionProvider".
  std::vector<std::string> providers() const;

  /// Throws CodedError(`code`, `context` + ONNX Runtime's text) unless `status` is null; frees the status.
  void check(OrtStatus* status, const char* code, const std::string& context) const;
};

/// Frees what ONNX Runtime has made: OrtPtr<OrtValue>(value, library.api->ReleaseValue).
template <typename T>
using OrtPtr = std::unique_ptr<T, void(ORT_API_CALL*)(T*)>;

/// A path for ONNX Runtime (wide on Windows) from UTF-8.
std::basic_string<ORTCHAR_T> toOrtPath(const std::string& utf8);

}  // namespace onnx_cam
