// The Node-API entry point: each family of bindings registers its own exports.
#include <napi.h>

#include "binding/registry.hpp"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  onnx_cam::registerEngine(env, exports);
  onnx_cam::registerTask(env, exports);
  onnx_cam::registerPicture(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(onnx_cam, init)
