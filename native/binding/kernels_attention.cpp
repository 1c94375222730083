// Bindings of the kernels that read attention matrices.
#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/reduce/attention.hpp"

namespace onnx_cam {
namespace {

// (fuse, discard, keepFirst, normalized, row, attention, gradients or null, heads, tokens) → Float64Array [tokens]
Napi::Value rollAttention(KernelCall& call) {
  kernels::AttentionRoll roll;
  roll.fuse = static_cast<kernels::FuseHeads>(call.choice(0, {"mean", "max", "min", "positive-mean"}));
  roll.discard = call.number(1);
  if (!(roll.discard >= 0 && roll.discard <= 1)) call.fail("ERR_OPTION_INVALID", "a share must be from 0 to 1");
  roll.keepFirst = call.flag(2);
  roll.normalized = call.flag(3);
  const std::size_t heads = call.size(7), tokens = call.size(8), size = call.product({heads, tokens, tokens});
  const double* row = call.doubles(4, tokens);
  const float* attention = call.floats(5, size);
  const float* gradients = call.isNull(6) ? nullptr : call.floats(6, size);
  Napi::Float64Array result = call.newDoubles(tokens);
  double* out = result.Data();
  return call.run((roll.discard > 0 ? 20 : 4) * size, result,
                  [=] { kernels::rollAttention(roll, row, attention, gradients, heads, tokens, out); });
}

/// Prefix and number of patches at `index` and the one behind it, inside rows of `keys`.
kernels::Patches patchesAt(const KernelCall& call, std::size_t index, std::size_t keys) {
  const kernels::Patches patches{call.size(index, 0), call.size(index + 1)};
  if (patches.prefix + patches.count > keys) call.fail("ERR_INPUT_SHAPE", "the patches must be among the keys");
  return patches;
}

// (gradients, rows, keys, prefix, patches) → Float64Array [patches]
Napi::Value positiveRows(KernelCall& call) {
  const std::size_t rows = call.size(1), keys = call.size(2);
  const kernels::Patches patches = patchesAt(call, 3, keys);
  const float* gradients = call.floats(0, call.product({rows, keys}));
  Napi::Float64Array result = call.newDoubles(patches.count);
  double* out = result.Data();
  return call.run(2 * rows * keys, result, [=] { kernels::positiveRows(gradients, rows, keys, patches, out); });
}

// (attention, gradients, heads, queries, keys, rows, prefix, patches) → [patches]
Napi::Value attentionGradCam(KernelCall& call) {
  const std::size_t heads = call.size(2), queries = call.size(3), keys = call.size(4), rows = call.size(5);
  if (rows > queries) call.fail("ERR_INPUT_SHAPE", "there are not so many rows");
  const kernels::Patches patches = patchesAt(call, 6, keys);
  const std::size_t size = call.product({heads, queries, keys});
  const float *attention = call.floats(0, size), *gradients = call.floats(1, size);
  Napi::Float32Array result = call.newFloats(patches.count);
  float* out = result.Data();
  return call.run(4 * heads * rows * keys, result,
                  [=] { kernels::attentionGradCam(attention, gradients, heads, queries, keys, rows, patches, out); });
}

}  // namespace

void registerAttentionKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "rollAttention", rollAttention);
  exportKernel(env, exports, "positiveRows", positiveRows);
  exportKernel(env, exports, "attentionGradCam", attentionGradCam);
}

}  // namespace onnx_cam
