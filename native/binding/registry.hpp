// Every family of bindings, one line each; native/addon.cpp calls them.
#pragma once

#include <napi.h>

namespace onnx_cam {

void registerEngine(Napi::Env env, Napi::Object exports);
void registerScoring(Napi::Env env, Napi::Object exports);
void registerScoringKernels(Napi::Env env, Napi::Object exports);
void registerTask(Napi::Env env, Napi::Object exports);
void registerDeviceTensors(Napi::Env env, Napi::Object exports);
void registerGpu(Napi::Env env, Napi::Object exports);
void registerAffineKernels(Napi::Env env, Napi::Object exports);
void registerAttentionKernels(Napi::Env env, Napi::Object exports);
void registerChannelKernels(Napi::Env env, Napi::Object exports);
void registerDecomposeKernels(Napi::Env env, Napi::Object exports);
void registerHalfKernels(Napi::Env env, Napi::Object exports);
void registerImageKernels(Napi::Env env, Napi::Object exports);
void registerKernelTiers(Napi::Env env, Napi::Object exports);
void registerMapKernels(Napi::Env env, Napi::Object exports);
void registerValueKernels(Napi::Env env, Napi::Object exports);
void registerPixelKernels(Napi::Env env, Napi::Object exports);
void registerRandomKernels(Napi::Env env, Napi::Object exports);
void registerReduceKernels(Napi::Env env, Napi::Object exports);
void registerWarpKernels(Napi::Env env, Napi::Object exports);

}  // namespace onnx_cam
