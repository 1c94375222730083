#include "device/gpu_info.hpp"

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
