// The Node-API entry point: each family of bindings registers its own exports.
#include <napi.h>

namespace {

Napi::Object init(Napi::Env, Napi::Object exports) {
  return exports;
}

}  // namespace

NODE_API_MODULE(onnx_cam, init)
