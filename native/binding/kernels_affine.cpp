// Bindings of scores that are affine in the activations.
#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/reduce/affine_scores.hpp"

namespace onnx_cam {
namespace {

/// (slopes, lazy, activations, channels, height, width, clean, …)
kernels::AffineTail tailOf(KernelCall& call) {
  kernels::AffineTail tail;
  tail.lazy = call.flag(1);
  tail.channels = call.size(3);
  tail.height = call.size(4);
  tail.width = call.size(5);
  tail.targets = call.length(6);
  if (tail.targets == 0) call.fail("ERR_INPUT_SHAPE", "there must be a score of at least one target");
  const std::size_t positions = call.product({tail.height, tail.width});
  tail.activations = call.floats(2, call.product({tail.channels, positions}));
  tail.slopes = call.floats(0, call.product({tail.targets, tail.channels, tail.lazy ? 1 : positions}));
  tail.clean = call.doubles(6, tail.targets);
  return tail;
}

// (…, select, values) → [copies, targets]
Napi::Value affineChannelScores(KernelCall& call) {
  const kernels::AffineTail tail = tailOf(call);
  const std::size_t copies = call.length(7);
  const std::uint32_t* select = call.words(7, copies);
  const float* values = call.floats(8, copies);
  for (std::size_t i = 0; i < copies; i++) {
    if (select[i] >= tail.channels) call.fail("ERR_OPTION_INVALID", "there is no such channel");
  }
  Napi::Float64Array scores = call.newDoubles(call.product({copies, tail.targets}));
  double* out = scores.Data();
  return call.run(2 * tail.targets * (tail.channels + copies) * tail.positions(), scores,
                  [=] { kernels::affineChannelScores(tail, select, values, copies, out); });
}

// (…, sets) → [copies, targets]
Napi::Value affineSetScores(KernelCall& call) {
  const kernels::AffineTail tail = tailOf(call);
  const std::size_t copies = call.length(7) / tail.channels;
  const std::uint8_t* sets = call.bytes(7, copies * tail.channels);
  Napi::Float64Array scores = call.newDoubles(call.product({copies, tail.targets}));
  double* out = scores.Data();
  return call.run(2 * tail.targets * tail.channels * (tail.positions() + copies), scores,
                  [=] { kernels::affineSetScores(tail, sets, copies, out); });
}

// (…, neighbours) → [positions, targets]
Napi::Value affinePositionScores(KernelCall& call) {
  const kernels::AffineTail tail = tailOf(call);
  const auto neighbours = static_cast<kernels::Neighbours>(call.choice(7, {"none", "spread", "kept"}));
  Napi::Float64Array scores = call.newDoubles(call.product({tail.positions(), tail.targets}));
  double* out = scores.Data();
  return call.run(20 * tail.targets * tail.channels * tail.positions(), scores,
                  [=] { kernels::affinePositionScores(tail, neighbours, out); });
}

}  // namespace

void registerAffineKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "affineChannelScores", affineChannelScores);
  exportKernel(env, exports, "affineSetScores", affineSetScores);
  exportKernel(env, exports, "affinePositionScores", affinePositionScores);
}

}  // namespace onnx_cam
