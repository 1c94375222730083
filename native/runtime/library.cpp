#include "runtime/library.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <string_view>

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include "runtime/error.hpp"

namespace onnx_cam {

namespace {

/// The oldest function this code calls on every library (AddExternalInitializersFromFilesInMemory) came with 1.18.
constexpr int kOldestApi = 18;

/// Must happen before the library is mapped: its initialiser starts the telemetry thread and writes a device id.
void disableTelemetry() {
#ifdef _WIN32
  if (std::getenv("ORT_DISABLE_TELEMETRY") == nullptr) _putenv_s("ORT_DISABLE_TELEMETRY", "1");
#else
  setenv("ORT_DISABLE_TELEMETRY", "1", /*overwrite=*/0);
#endif
}

bool telemetryWanted() {
  const char* value = std::getenv("ORT_DISABLE_TELEMETRY");
  return value != nullptr && std::string_view(value) == "0";
}

using GetApiBase = const OrtApiBase*(ORT_API_CALL*)();

/// What to do about it is said by lib/engine/runtime-not-found.ts.
[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw CodedError("ERR_RUNTIME_NOT_FOUND",
                   "the ONNX Runtime library could not be loaded from " + path + ": " + reason);
}

#ifdef _WIN32

GetApiBase loadLibrary(const std::string& path) {
  // The altered search path makes Windows look for the library's own dependencies beside it.
  HMODULE module = LoadLibraryExW(toOrtPath(path).c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
  if (module == nullptr) fail(path, "Windows error " + std::to_string(GetLastError()));
  auto* symbol = GetProcAddress(module, "OrtGetApiBase");
  if (symbol == nullptr) fail(path, "it has no function OrtGetApiBase");
  return reinterpret_cast<GetApiBase>(reinterpret_cast<void*>(symbol));
}

#else

GetApiBase loadLibrary(const std::string& path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = dlerror();
    fail(path, reason != nullptr ? reason : "no reason given");
  }
  void* symbol = dlsym(handle, "OrtGetApiBase");
  if (symbol == nullptr) fail(path, "it has no function OrtGetApiBase");
  return reinterpret_cast<GetApiBase>(symbol);
}

#endif

/// ONNX Runtime's messages contain line breaks and end in blanks.
std::string oneLine(std::string_view text) {
  std::string line;
  for (char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!blank) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

/// "1.29.0" → 29; 0 when the text is not of this form.
int minorVersion(std::string_view version) {
  if (!version.starts_with("1.")) return 0;
  int minor = 0;
  std::from_chars(version.data() + 2, version.data() + version.size(), minor);
  return minor;
}

std::unique_ptr<Library> openLibrary(const std::string& path) {
  disableTelemetry();
  const OrtApiBase* base = loadLibrary(path)();
  auto library = std::make_unique<Library>();
  library->path = path;
  library->version = base->GetVersionString();
  // Asking for a version the library does not have prints a line on standard error, so no probing downwards.
  library->apiVersion = std::min(minorVersion(library->version), ORT_API_VERSION);
  if (library->apiVersion < kOldestApi) {
    fail(path, "its version is " + library->version + ", 1." + std::to_string(kOldestApi) + " or newer is needed");
  }
  library->api = base->GetApi(static_cast<uint32_t>(library->apiVersion));
  if (library->api == nullptr) fail(path, "version " + library->version + " refuses its own API");
  // Errors come back as statuses; logging them as well would print each one twice. Sessions set their own level.
  library->check(library->api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "onnx-cam", &library->env), "ERR_RUNTIME",
                 "ONNX Runtime could not be initialised: ");
  if (!telemetryWanted()) {
    library->check(library->api->DisableTelemetryEvents(library->env), "ERR_RUNTIME",
                   "ONNX Runtime refused to switch its telemetry off: ");
  }
  library->check(library->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &library->cpuMemory),
                 "ERR_RUNTIME", "ONNX Runtime could not be initialised: ");
  return library;
}

}  // namespace

const Library& Library::open(const std::string& path) {
  static auto* mutex = new std::mutex();
  static auto* libraries = new std::map<std::string, std::unique_ptr<Library>>();
  std::lock_guard lock(*mutex);
  auto& library = (*libraries)[path];
  if (!library) library = openLibrary(path);
  return *library;
}

std::vector<std::string> Library::providers() const {
  char** names = nullptr;
  int count = 0;
  check(api->GetAvailableProviders(&names, &count), "ERR_RUNTIME", "");
  std::vector<std::string> result(names, names + count);
  check(api->ReleaseAvailableProviders(names, count), "ERR_RUNTIME", "");
  return result;
}

void Library::check(OrtStatus* status, const char* code, const std::string& context) const {
  if (status == nullptr) return;
  const std::string message = context + oneLine(api->GetErrorMessage(status));
  api->ReleaseStatus(status);
  throw CodedError(code, message);
}

std::basic_string<ORTCHAR_T> toOrtPath(const std::string& utf8) {
  return std::filesystem::path(std::u8string(utf8.begin(), utf8.end())).native();
}

}  // namespace onnx_cam
