// What this build and machine have of CUDA, for `onnx-cam doctor`.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace onnx_cam {

struct GpuInfo {
  struct Device {
    std::string name;
    /// "9.0".
    std::string computeCapability;
    std::size_t memoryBytes = 0;
  };
  /// Whether the kernels for GPUs are in this binary.
  bool built = false;
  /// Versions as "13.0"; empty where there is none. The driver's is the newest CUDA that it supports.
  std::string runtimeVersion;
  std::string driverVersion;
  std::vector<Device> devices;
  /// Why there are no devices, in CUDA's words.
  std::string error;
};

/// Why the system's loader does not load a shared library, by file name; empty when it does. Nothing stays loaded.
std::string whyNotLoadable(const std::string& name);

/// Never fails: whatever CUDA answers to a question, an error means that there is no device.
GpuInfo findGpus();

}  // namespace onnx_cam
