// Every family of bindings, one line each; native/addon.cpp calls them.
#pragma once

#include <napi.h>

namespace onnx_cam {

void registerEngine(Napi::Env env, Napi::Object exports);
void registerTask(Napi::Env env, Napi::Object exports);
void registerPicture(Napi::Env env, Napi::Object exports);

}  // namespace onnx_cam
