// What a session is made with, and how that becomes ONNX Runtime's session options.
#pragma once

#include <onnxruntime_c_api.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/library.hpp"

namespace onnx_cam {

using KeyValues = std::vector<std::pair<std::string, std::string>>;

struct ProviderConfig {
  /// As onnxruntime-node spells it ("cpu", "cuda", "coreml"), or ONNX Runtime's own spelling.
  std::string name;
  KeyValues options;

  /// The value of an option; null where it is not given.
  const std::string* option(std::string_view key) const;
};

/// An external data "file" given in memory; read while the session is created, not afterwards.
struct ExternalFile {
  std::string name;
  std::span<char> bytes;
};

struct SessionConfig {
  /// In order of preference; the CPU takes what the others leave, listed or not.
  std::vector<ProviderConfig> providers;
  GraphOptimizationLevel optimizationLevel = ORT_ENABLE_ALL;
  int intraOpThreads = 0;
  int interOpThreads = 0;
  bool parallel = false;
  bool cpuArena = true;
  bool memoryPattern = true;
  std::string logId;
  int logSeverity = 4;
  int logVerbosity = 0;
  std::optional<std::string> profilePrefix;
  std::optional<std::string> optimizedModelPath;
  std::vector<std::pair<std::string, int64_t>> freeDimensions;
  /// Session configuration entries ("session.intra_op.allow_spinning").
  KeyValues entries;
  std::vector<ExternalFile> externalFiles;

  bool lists(const std::string& provider) const;
};

/// Makes the options without the providers. Throws CodedError ERR_OPTION_INVALID with ONNX Runtime's text.
OrtPtr<OrtSessionOptions> makeSessionOptions(const Library& library, const SessionConfig& config);

/// Adds an execution provider other than the CPU's. `stream` (may be null) is the cudaStream_t that CUDA shall work on.
/// Throws CodedError ERR_PROVIDER_UNAVAILABLE with the reason.
void appendProvider(const Library& library, OrtSessionOptions* options, const ProviderConfig& provider, void* stream);

}  // namespace onnx_cam
