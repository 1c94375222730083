#include "engine/session_config.hpp"

#include <algorithm>
#include <map>

namespace onnx_cam {

namespace {

/// A pointer, which ONNX Runtime takes by a function of its own.
constexpr std::string_view kStreamKey = "user_compute_stream";

/// Keys and values as the C API takes them.
struct CStrings {
  explicit CStrings(const KeyValues& pairs) {
    for (const auto& [key, value] : pairs) {
      if (key == kStreamKey) continue;
      keys.push_back(key.c_str());
      values.push_back(value.c_str());
    }
  }
  std::vector<const char*> keys;
  std::vector<const char*> values;
};

/// onnxruntime-node's lower-case names → the names that SessionOptionsAppendExecutionProvider knows.
std::string genericName(const std::string& name) {
  static const auto* names = new std::map<std::string, std::string>{
      {"coreml", "CoreML"},   {"dml", "DML"},       {"nnapi", "NNAPI"}, {"openvino", "OpenVINO"}, {"qnn", "QNN"},
      {"vitisai", "VitisAI"}, {"webgpu", "WebGPU"}, {"webnn", "WEBNN"}, {"xnnpack", "XNNPACK"},
  };
  const auto found = names->find(name);
  return found == names->end() ? name : found->second;
}

OrtStatus* appendCuda(const OrtApi* api, OrtSessionOptions* options, const CStrings& strings, void* stream) {
  OrtCUDAProviderOptionsV2* raw = nullptr;
  if (OrtStatus* status = api->CreateCUDAProviderOptions(&raw)) return status;
  const OrtPtr<OrtCUDAProviderOptionsV2> cuda(raw, api->ReleaseCUDAProviderOptions);
  if (OrtStatus* status =
          api->UpdateCUDAProviderOptions(raw, strings.keys.data(), strings.values.data(), strings.keys.size())) {
    return status;
  }
  if (stream != nullptr) {
    if (OrtStatus* status = api->UpdateCUDAProviderOptionsWithValue(raw, kStreamKey.data(), stream)) return status;
  }
  return api->SessionOptionsAppendExecutionProvider_CUDA_V2(options, raw);
}

OrtStatus* appendTensorRt(const OrtApi* api, OrtSessionOptions* options, const CStrings& strings) {
  OrtTensorRTProviderOptionsV2* raw = nullptr;
  if (OrtStatus* status = api->CreateTensorRTProviderOptions(&raw)) return status;
  const OrtPtr<OrtTensorRTProviderOptionsV2> tensorRt(raw, api->ReleaseTensorRTProviderOptions);
  if (OrtStatus* status =
          api->UpdateTensorRTProviderOptions(raw, strings.keys.data(), strings.values.data(), strings.keys.size())) {
    return status;
  }
  return api->SessionOptionsAppendExecutionProvider_TensorRT_V2(options, raw);
}

}  // namespace

const std::string* ProviderConfig::option(std::string_view key) const {
  const auto found = std::find_if(options.begin(), options.end(), [&](const auto& pair) { return pair.first == key; });
  return found == options.end() ? nullptr : &found->second;
}

bool SessionConfig::lists(const std::string& provider) const {
  return std::any_of(providers.begin(), providers.end(), [&](const auto& entry) { return entry.name == provider; });
}

OrtPtr<OrtSessionOptions> makeSessionOptions(const Library& library, const SessionConfig& config) {
  const OrtApi* api = library.api;
  const auto check = [&](OrtStatus* status, const char* option) {
    library.check(status, "ERR_OPTION_INVALID",
                  std::string("ONNX Runtime refused the session option ") + option + ": ");
  };
  OrtSessionOptions* raw = nullptr;
  library.check(api->CreateSessionOptions(&raw), "ERR_RUNTIME", "");
  OrtPtr<OrtSessionOptions> options(raw, api->ReleaseSessionOptions);
  // The level "layout" came with 1.23; before, its optimisations were part of "all".
  constexpr int kLayoutLevelApi = 23;
  const bool layout = config.optimizationLevel == ORT_ENABLE_LAYOUT && library.apiVersion < kLayoutLevelApi;
  check(api->SetSessionGraphOptimizationLevel(raw, layout ? ORT_ENABLE_ALL : config.optimizationLevel),
        "graphOptimizationLevel");
  check(api->SetIntraOpNumThreads(raw, config.intraOpThreads), "intraOpNumThreads");
  check(api->SetInterOpNumThreads(raw, config.interOpThreads), "interOpNumThreads");
  check(api->SetSessionExecutionMode(raw, config.parallel ? ORT_PARALLEL : ORT_SEQUENTIAL), "executionMode");
  check(config.cpuArena ? api->EnableCpuMemArena(raw) : api->DisableCpuMemArena(raw), "enableCpuMemArena");
  check(config.memoryPattern ? api->EnableMemPattern(raw) : api->DisableMemPattern(raw), "enableMemPattern");
  if (!config.logId.empty()) check(api->SetSessionLogId(raw, config.logId.c_str()), "logId");
  check(api->SetSessionLogSeverityLevel(raw, config.logSeverity), "logSeverityLevel");
  check(api->SetSessionLogVerbosityLevel(raw, config.logVerbosity), "logVerbosityLevel");
  if (config.profilePrefix) {
    check(api->EnableProfiling(raw, toOrtPath(*config.profilePrefix).c_str()), "enableProfiling");
  }
  if (config.optimizedModelPath) {
    check(api->SetOptimizedModelFilePath(raw, toOrtPath(*config.optimizedModelPath).c_str()), "optimizedModelFilePath");
  }
  for (const auto& [name, size] : config.freeDimensions) {
    check(api->AddFreeDimensionOverrideByName(raw, name.c_str(), size), "freeDimensionOverrides");
  }
  for (const auto& [key, value] : config.entries) {
    check(api->AddSessionConfigEntry(raw, key.c_str(), value.c_str()), key.c_str());
  }
  if (!config.externalFiles.empty()) {
    std::vector<std::basic_string<ORTCHAR_T>> names;
    std::vector<const ORTCHAR_T*> namePointers;
    std::vector<char*> buffers;
    std::vector<std::size_t> lengths;
    for (const ExternalFile& file : config.externalFiles) {
      names.push_back(toOrtPath(file.name));
      buffers.push_back(file.bytes.data());
      lengths.push_back(file.bytes.size());
    }
    for (const auto& name : names) namePointers.push_back(name.c_str());
    check(api->AddExternalInitializersFromFilesInMemory(raw, namePointers.data(), buffers.data(), lengths.data(),
                                                        names.size()),
          "externalFiles");
  }
  return options;
}

void appendProvider(const Library& library, OrtSessionOptions* options, const ProviderConfig& provider, void* stream) {
  const CStrings strings(provider.options);
  OrtStatus* status;
  if (provider.name == "cuda") {
    status = appendCuda(library.api, options, strings, stream);
  } else if (provider.name == "tensorrt") {
    status = appendTensorRt(library.api, options, strings);
  } else {
    status = library.api->SessionOptionsAppendExecutionProvider(
        options, genericName(provider.name).c_str(), strings.keys.data(), strings.values.data(), strings.keys.size());
  }
  const char* hint = provider.name == "cuda" ? " (the command \"onnx-cam doctor\" says what is missing)" : "";
  library.check(status, "ERR_PROVIDER_UNAVAILABLE",
                "the execution provider \"" + provider.name + "\" cannot be used" + hint + ": ");
}

}  // namespace onnx_cam
