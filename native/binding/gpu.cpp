// What there is of CUDA, for lib/engine/gpu.ts.
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "binding/arguments.hpp"
#include "binding/registry.hpp"
#include "binding/task.hpp"
#include "device/gpu_info.hpp"

namespace onnx_cam {

namespace {

// gpuInfo() → Promise<{ built, runtimeVersion, driverVersion, devices: [{ name, computeCapability, memoryBytes }], error }>
Napi::Value gpuInfo(const Napi::CallbackInfo& info) {
  auto found = std::make_shared<GpuInfo>();
  return runTask(
      info.Env(), {}, [found] { *found = findGpus(); },
      [found](Napi::Env env) -> Napi::Value {
        Napi::Array devices = Napi::Array::New(env, found->devices.size());
        for (uint32_t i = 0; i < found->devices.size(); i++) {
          const GpuInfo::Device& device = found->devices[i];
          Napi::Object object = Napi::Object::New(env);
          object.Set("name", device.name);
          object.Set("computeCapability", device.computeCapability);
          object.Set("memoryBytes", Napi::Number::New(env, static_cast<double>(device.memoryBytes)));
          devices.Set(i, object);
        }
        Napi::Object result = Napi::Object::New(env);
        result.Set("built", Napi::Boolean::New(env, found->built));
        result.Set("runtimeVersion", found->runtimeVersion);
        result.Set("driverVersion", found->driverVersion);
        result.Set("devices", devices);
        result.Set("error", found->error);
        return result;
      });
}

// whyNotLoadable(names) → Promise<string[]>: per shared library why it cannot be loaded, or an empty string.
Napi::Value whyNotLoadableTask(const Napi::CallbackInfo& info) {
  auto reasons = std::make_shared<std::vector<std::string>>();
  return runTask(
      info.Env(), {},
      [reasons, names = stringsOf(info[0])] {
        for (const std::string& name : names) reasons->push_back(whyNotLoadable(name));
      },
      [reasons](Napi::Env env) -> Napi::Value {
        Napi::Array result = Napi::Array::New(env, reasons->size());
        for (uint32_t i = 0; i < reasons->size(); i++) result.Set(i, (*reasons)[i]);
        return result;
      });
}

}  // namespace

void registerGpu(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "gpuInfo", gpuInfo);
  exportFunction(env, exports, "whyNotLoadable", whyNotLoadableTask);
}

}  // namespace onnx_cam
