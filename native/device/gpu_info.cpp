#include "device/gpu_info.hpp"

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace onnx_cam {

#ifdef _WIN32
std::string whyNotLoadable(const std::string& name) {
  HMODULE module = LoadLibraryA(name.c_str());
  if (module == nullptr) return "Windows error " + std::to_string(GetLastError());
  FreeLibrary(module);
  return {};
}
#else
std::string whyNotLoadable(const std::string& name) {
  void* library = dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    return reason != nullptr ? reason : "no reason given";
  }
  dlclose(library);
  return {};
}
#endif

}  // namespace onnx_cam

#ifdef ONNX_CAM_CUDA

#include <cuda_runtime.h>

namespace onnx_cam {

namespace {

/// 13020 → "13.2".
std::string versionText(int version) {
  return version == 0 ? std::string() : std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace

GpuInfo findGpus() {
  GpuInfo info;
  info.built = true;
  int version = 0;
  if (cudaRuntimeGetVersion(&version) == cudaSuccess) info.runtimeVersion = versionText(version);
  version = 0;
  if (cudaDriverGetVersion(&version) == cudaSuccess) info.driverVersion = versionText(version);
  int count = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
    info.error = cudaGetErrorString(error);
    cudaGetLastError();  // Else the next call would report it again.
    return info;
  }
  for (int device = 0; device < count; device++) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) continue;
    info.devices.push_back({properties.name, std::to_string(properties.major) + "." + std::to_string(properties.minor),
                            properties.totalGlobalMem});
  }
  return info;
}

}  // namespace onnx_cam

#else

namespace onnx_cam {

GpuInfo findGpus() { return {}; }

}  // namespace onnx_cam

#endif
