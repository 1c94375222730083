// Bindings of the kernels that sum over positions or channels.
#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/reduce/channel_means.hpp"
#include "kernels/reduce/channel_sum.hpp"
#include "kernels/reduce/fem.hpp"
#include "kernels/reduce/gradient_weights.hpp"
#include "kernels/reduce/log_sum_exp.hpp"

namespace onnx_cam {
namespace {

using kernels::Features;
using kernels::Gradients;
using kernels::Shape;

// (data, images, channels, positions) → [images · channels]
Napi::Value channelMeans(KernelCall& call) {
  const Shape shape = call.shape(1);
  const float* data = call.floats(0, shape.size());
  Napi::Float32Array means = call.newFloats(shape.images * shape.channels);
  float* out = means.Data();
  return call.run(shape.size(), means, [=] { kernels::channelMeans(data, shape, out); });
}

// (term, images, channels, positions, activations, images, gradients, images, lazy) → [images · positions]
Napi::Value channelSum(KernelCall& call) {
  const auto term = static_cast<kernels::Term>(call.choice(0, {"product", "positive-product", "positive-gradient"}));
  const Shape shape = call.shape(1);
  const Features activations = call.features(4, shape);
  const Gradients gradients = call.gradients(6, shape);
  Napi::Float32Array maps = call.newFloats(shape.images * shape.positions);
  float* out = maps.Data();
  return call.run(shape.size() * (gradients.lazy ? 1 : 2), maps,
                  [=] { kernels::channelSum(term, activations, gradients, shape, out); });
}

// (mode, images, channels, positions, activations, images, gradients, images, lazy) → [images · channels]
Napi::Value gradCamPlusPlusWeights(KernelCall& call) {
  const auto mode = static_cast<kernels::PlusPlusMode>(call.choice(0, {"paper", "pgc", "torchcam"}));
  const Shape shape = call.shape(1);
  const Features activations = call.features(4, shape);
  const Gradients gradients = call.gradients(6, shape);
  Napi::Float32Array weights = call.newFloats(shape.images * shape.channels);
  float* out = weights.Data();
  return call.run(4 * shape.size(), weights,
                  [=] { kernels::gradCamPlusPlusWeights(mode, activations, gradients, shape, out); });
}

// (epsilon, guard, images, channels, positions, activations, images, gradients, images, lazy) → [images · channels]
Napi::Value xgradCamWeights(KernelCall& call) {
  const double epsilon = call.number(0);
  const bool guard = call.flag(1);
  const Shape shape = call.shape(2);
  const Features activations = call.features(5, shape);
  const Gradients gradients = call.gradients(7, shape);
  Napi::Float32Array weights = call.newFloats(shape.images * shape.channels);
  float* out = weights.Data();
  return call.run(2 * shape.size(), weights,
                  [=] { kernels::xgradCamWeights(epsilon, guard, activations, gradients, shape, out); });
}

// (k, activations, images, channels, positions) → [images · channels]
Napi::Value femWeights(KernelCall& call) {
  const double k = call.number(0);
  const Shape shape = call.shape(2);
  const float* activations = call.floats(1, shape.size());
  Napi::Float32Array weights = call.newFloats(shape.images * shape.channels);
  float* out = weights.Data();
  return call.run(3 * shape.size(), weights, [=] { kernels::femWeights(k, activations, shape, out); });
}

// (logits, count) → number
Napi::Value logSumExp(KernelCall& call) {
  const std::size_t count = call.size(1);
  return Napi::Number::New(call.env(), kernels::logSumExp(call.floats(0, count), count));
}

}  // namespace

void registerReduceKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "channelMeans", channelMeans);
  exportKernel(env, exports, "channelSum", channelSum);
  exportKernel(env, exports, "gradCamPlusPlusWeights", gradCamPlusPlusWeights);
  exportKernel(env, exports, "xgradCamWeights", xgradCamWeights);
  exportKernel(env, exports, "femWeights", femWeights);
  exportKernel(env, exports, "logSumExp", logSumExp);
}

}  // namespace onnx_cam
