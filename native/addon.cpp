// The Node-API entry point: each family of bindings registers its own exports.
#include <napi.h>

#include "binding/registry.hpp"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  onnx_cam::registerEngine(env, exports);
  onnx_cam::registerScoring(env, exports);
  onnx_cam::registerScoringKernels(env, exports);
  onnx_cam::registerTask(env, exports);
  onnx_cam::registerDeviceTensors(env, exports);
  onnx_cam::registerGpu(env, exports);
  onnx_cam::registerAffineKernels(env, exports);
  onnx_cam::registerAttentionKernels(env, exports);
  onnx_cam::registerChannelKernels(env, exports);
  onnx_cam::registerDecomposeKernels(env, exports);
  onnx_cam::registerHalfKernels(env, exports);
  onnx_cam::registerImageKernels(env, exports);
  onnx_cam::registerKernelTiers(env, exports);
  onnx_cam::registerMapKernels(env, exports);
  onnx_cam::registerPixelKernels(env, exports);
  onnx_cam::registerRandomKernels(env, exports);
  onnx_cam::registerReduceKernels(env, exports);
  onnx_cam::registerValueKernels(env, exports);
  onnx_cam::registerWarpKernels(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(onnx_cam, init)
