#include "engine/session.hpp"

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#if defined(__linux__)
#include <features.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "device/device.hpp"
#include "runtime/error.hpp"

namespace onnx_cam {

namespace {

/// glibc keeps what the optimiser and a released session have freed: up to half of the resident memory.
void trimMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

bool mentions(std::string_view text, std::initializer_list<std::string_view> words) {
  for (std::string_view word : words) {
    if (text.find(word) != std::string_view::npos) return true;
  }
  return false;
}

bool saysOutOfMemory(std::string_view text) {
  return mentions(text, {"Failed to allocate memory", "bad_alloc", "bad allocation", "out of memory", "Out of memory",
                         "OUT_OF_MEMORY", "ALLOC_FAILED", "cudaErrorMemoryAllocation"});
}

/// ONNX Runtime's error codes say little (most failures are "FAIL"), so its text decides as well.
const char* creationErrorCode(OrtErrorCode code, std::string_view text) {
  if (saysOutOfMemory(text)) return "ERR_OUT_OF_MEMORY";
  if (mentions(text, {"xternal data", "xternal_data", "xternal initializer", "External file",
                      "model_path must not be empty"})) {
    return "ERR_EXTERNAL_DATA";
  }
  if (code == ORT_NOT_IMPLEMENTED || mentions(text, {"is not a registered function/op", "No Op registered for",
                                                     "Unsupported model IR version", "released onnx opset"})) {
    return "ERR_MODEL_UNSUPPORTED";
  }
  return "ERR_MODEL_INVALID";
}

OrtPtr<OrtSession> load(const Library& library, std::span<const std::byte> model, const OrtSessionOptions* options) {
  OrtSession* session = nullptr;
  OrtStatus* status = library.api->CreateSessionFromArray(library.env, model.data(), model.size(), options, &session);
  if (status != nullptr) {
    const char* code = creationErrorCode(library.api->GetErrorCode(status), library.api->GetErrorMessage(status));
    library.check(status, code, "ONNX Runtime could not load the model: ");
  }
  return {session, library.api->ReleaseSession};
}

/// Lets a cancellation end the creation that uses `options`.
void watch(const Library& library, OrtSessionOptions* options, Cancellation* cancellation,
           std::optional<Cancellation::Hook>& hook) {
  constexpr int kLoadCancellationApi = 22;
  if (cancellation == nullptr || library.apiVersion < kLoadCancellationApi) return;
  hook.emplace(*cancellation, [&library, options] {
    if (OrtStatus* status = library.api->SessionOptionsSetLoadCancellationFlag(options, true)) {
      library.api->ReleaseStatus(status);
    }
  });
}

OrtPtr<OrtSession> loadOnCpu(const Library& library, std::span<const std::byte> model, const SessionConfig& config,
                             Cancellation* cancellation) {
  const auto options = makeSessionOptions(library, config);
  std::optional<Cancellation::Hook> hook;
  watch(library, options.get(), cancellation, hook);
  return load(library, model, options.get());
}

/// A provider option that is a number: "1", or "0x7f…" for an address.
std::uint64_t numberOption(const ProviderConfig& provider, std::string_view key) {
  const std::string* text = provider.option(key);
  return text == nullptr ? 0 : std::strtoull(text->c_str(), nullptr, 0);
}

/// The device of a provider, on the user's stream if he gave one. Null where there is none: ONNX Runtime then says why.
std::shared_ptr<Device> deviceOf(const Library& library, const ProviderConfig& provider, void* stream) {
  if (provider.name != "cuda" || !hasCudaDevice()) return nullptr;
  return makeCudaDevice(library, static_cast<int>(numberOption(provider, "device_id")), stream);
}

/// Sends sessions on the CPU the way of those on a device; for tests.
bool wantsHostDevice() {
  const char* wanted = std::getenv("ONNX_CAM_DEVICE");
  return wanted != nullptr && std::string_view(wanted) == "host";
}

}  // namespace

std::shared_ptr<Session> Session::create(const Library& library, std::span<const std::byte> model,
                                         const SessionConfig& config, Cancellation* cancellation) {
  const auto options = makeSessionOptions(library, config);
  std::vector<std::string> warnings;
  bool accelerated = false, cudaGraphs = false;
  std::shared_ptr<Device> device;
  const bool cpuListed = config.lists("cpu");
  for (const ProviderConfig& provider : config.providers) {
    if (provider.name == "cpu") continue;
    try {
      void* stream = reinterpret_cast<void*>(numberOption(provider, "user_compute_stream"));
      std::shared_ptr<Device> own = deviceOf(library, provider, stream);
      if (own) stream = own->stream();
      appendProvider(library, options.get(), provider, stream);
      accelerated = true;
      cudaGraphs = cudaGraphs || numberOption(provider, "enable_cuda_graph") != 0;
      if (!device) device = std::move(own);
    } catch (const CodedError& error) {
      if (!cpuListed) throw;
      warnings.emplace_back(error.what());
    }
  }
  OrtPtr<OrtSession> loaded(nullptr, library.api->ReleaseSession);
  try {
    std::optional<Cancellation::Hook> hook;
    watch(library, options.get(), cancellation, hook);
    loaded = load(library, model, options.get());
  } catch (const CodedError& error) {
    if (!accelerated || (cancellation != nullptr && cancellation->cancelled())) throw;
    // A provider may fail as late as here (no device, wrong driver): if the CPU can load the model, that is why.
    loaded = loadOnCpu(library, model, config, cancellation);
    const std::string reason = std::string("an execution provider failed while the model was loaded: ") + error.what();
    if (!cpuListed) throw CodedError("ERR_PROVIDER_UNAVAILABLE", reason);
    warnings.push_back(reason);
    accelerated = cudaGraphs = false;
    device.reset();
  }
  if (!accelerated && wantsHostDevice()) device = makeHostDevice(library);
  std::shared_ptr<Session> session(new Session(library, std::move(loaded)));
  session->device_ = std::move(device);
  session->accelerated_ = accelerated;
  session->cudaGraphs_ = cudaGraphs;
  session->warnings_ = std::move(warnings);
  trimMemory();
  return session;
}

Session::Session(const Library& library, OrtPtr<OrtSession> session) : library_(library), session_(std::move(session)) {
  inputs_ = describe(true);
  outputs_ = describe(false);
}

Session::~Session() {
  session_.reset();
  trimMemory();
}

std::vector<ValueInfo> Session::describe(bool inputs) const {
  const OrtApi* api = library_.api;
  const auto check = [&](OrtStatus* status) { library_.check(status, "ERR_RUNTIME", "ONNX Runtime: "); };
  OrtSession* session = session_.get();
  OrtAllocator* allocator = nullptr;
  check(api->GetAllocatorWithDefaultOptions(&allocator));
  std::size_t count = 0;
  check(inputs ? api->SessionGetInputCount(session, &count) : api->SessionGetOutputCount(session, &count));
  std::vector<ValueInfo> result(count);
  for (std::size_t index = 0; index < count; ++index) {
    ValueInfo& value = result[index];
    char* name = nullptr;
    check(inputs ? api->SessionGetInputName(session, index, allocator, &name)
                 : api->SessionGetOutputName(session, index, allocator, &name));
    value.name = name;
    check(api->AllocatorFree(allocator, name));
    OrtTypeInfo* raw = nullptr;
    check(inputs ? api->SessionGetInputTypeInfo(session, index, &raw)
                 : api->SessionGetOutputTypeInfo(session, index, &raw));
    const OrtPtr<OrtTypeInfo> info(raw, api->ReleaseTypeInfo);
    check(api->GetOnnxTypeFromTypeInfo(raw, &value.kind));
    if (value.kind != ONNX_TYPE_TENSOR) continue;
    const OrtTensorTypeAndShapeInfo* tensor = nullptr;  // Owned by `info`.
    check(api->CastTypeInfoToTensorInfo(raw, &tensor));
    check(api->GetTensorElementType(tensor, &value.type));
    std::size_t rank = 0;
    check(api->GetDimensionsCount(tensor, &rank));
    value.dims.resize(rank);
    check(api->GetDimensions(tensor, value.dims.data(), rank));
    std::vector<const char*> symbols(rank);
    check(api->GetSymbolicDimensions(tensor, symbols.data(), rank));
    value.symbols.assign(symbols.begin(), symbols.end());
  }
  return result;
}

OrtPtr<OrtRunOptions> Session::makeRunOptions() const {
  OrtRunOptions* raw = nullptr;
  library_.check(library_.api->CreateRunOptions(&raw), "ERR_RUNTIME", "ONNX Runtime: ");
  OrtPtr<OrtRunOptions> options(raw, library_.api->ReleaseRunOptions);
  // A CUDA graph replays the addresses it was captured with; tensors of other runs lie elsewhere.
  if (cudaGraphs_) library_.check(library_.api->AddRunConfigEntry(raw, "gpu_graph_id", "-1"), "ERR_RUNTIME", "");
  return options;
}

void Session::checkRun(OrtStatus* status) const {
  if (status == nullptr) return;
  const bool memory = saysOutOfMemory(library_.api->GetErrorMessage(status));
  library_.check(status, memory ? "ERR_OUT_OF_MEMORY" : "ERR_RUNTIME", "ONNX Runtime could not run the model: ");
}

namespace {

/// Lets a cancellation end the run that uses `options`.
void watch(const OrtApi* api, OrtRunOptions* options, Cancellation* cancellation,
           std::optional<Cancellation::Hook>& hook) {
  if (cancellation == nullptr) return;
  hook.emplace(*cancellation, [api, options] {
    if (OrtStatus* status = api->RunOptionsSetTerminate(options)) api->ReleaseStatus(status);
  });
}

}  // namespace

void Session::run(std::span<const char* const> inputNames, std::span<const OrtValue* const> inputs,
                  std::span<const char* const> outputNames, std::span<OrtValue*> outputs,
                  Cancellation* cancellation) const {
  const auto options = makeRunOptions();
  std::optional<Cancellation::Hook> hook;
  watch(library_.api, options.get(), cancellation, hook);
  std::optional<Device::Turn> turn;
  if (device_) turn.emplace(*device_);
  checkRun(library_.api->Run(session_.get(), options.get(), inputNames.data(), inputs.data(), inputs.size(),
                             outputNames.data(), outputs.size(), outputs.data()));
}

OrtPtr<OrtIoBinding> Session::makeBinding() const {
  OrtIoBinding* binding = nullptr;
  library_.check(library_.api->CreateIoBinding(session_.get(), &binding), "ERR_RUNTIME", "ONNX Runtime: ");
  return {binding, library_.api->ReleaseIoBinding};
}

void Session::runBound(OrtIoBinding* binding, Cancellation* cancellation) const {
  const auto options = makeRunOptions();
  library_.check(library_.api->AddRunConfigEntry(options.get(), "disable_synchronize_execution_providers", "1"),
                 "ERR_RUNTIME", "");
  std::optional<Cancellation::Hook> hook;
  watch(library_.api, options.get(), cancellation, hook);
  checkRun(library_.api->RunWithBinding(session_.get(), options.get(), binding));
}

}  // namespace onnx_cam
