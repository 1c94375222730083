// Bindings of the kernels that say something of each channel, or sum what noisy copies and layers with a bias give.
#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/reduce/channel_statistics.hpp"
#include "kernels/reduce/fullgrad.hpp"
#include "kernels/reduce/gradient_powers.hpp"

namespace onnx_cam {
namespace {

using kernels::Features;
using kernels::Gradients;
using kernels::Shape;

// (statistic, activations, channels, positions) → Float64Array [channels]
Napi::Value channelStatistics(KernelCall& call) {
  const auto statistic =
      static_cast<kernels::ChannelStatistic>(call.choice(0, {"deviation", "mean", "maximum", "minimum"}));
  const std::size_t channels = call.size(2), positions = call.size(3), size = call.product({channels, positions});
  const float* activations = call.floats(1, size);
  Napi::Float64Array result = call.newDoubles(channels);
  double* out = result.Data();
  return call.run(3 * size, result,
                  [=] { kernels::channelStatistics(statistic, activations, channels, positions, out); });
}

// (activations, channels, positions, select, values) → Uint8Array [selected]
Napi::Value uniformChannels(KernelCall& call) {
  const std::size_t channels = call.size(1), positions = call.size(2), selected = call.length(3);
  const float* activations = call.floats(0, call.product({channels, positions}));
  const std::uint32_t* select = call.words(3, selected);
  const float* values = call.floats(4, selected);
  for (std::size_t i = 0; i < selected; i++) {
    if (select[i] >= channels) call.fail("ERR_OPTION_INVALID", "there is no such channel");
  }
  Napi::Uint8Array result = call.newBytes(selected);
  std::uint8_t* out = result.Data();
  return call.run(selected * positions, result,
                  [=] { kernels::uniformChannels(activations, positions, select, values, selected, out); });
}

// (activations or null, their images, bias or null, images, channels, positions, gradients, images, lazy, perChannel,
// epsilon) → [images · positions]
Napi::Value fullGradTerm(KernelCall& call) {
  const Shape shape = call.shape(3);
  const float* bias = call.isNull(2) ? nullptr : call.floats(2, shape.channels);
  const Features activations = bias == nullptr ? call.features(0, shape) : Features{};
  const Gradients gradients = call.gradients(6, shape);
  const bool perChannel = call.flag(9);
  const double epsilon = call.number(10);
  Napi::Float32Array maps = call.newFloats(shape.images * shape.positions);
  float* out = maps.Data();
  return call.run(8 * shape.size(), maps,
                  [=] { kernels::fullGradTerm(activations, bias, gradients, shape, perChannel, epsilon, out); });
}

// (gradients, count, sums [3 · count]) → sums, with the powers of the gradients added
Napi::Value addGradientPowers(KernelCall& call) {
  const std::size_t count = call.size(1);
  const float* gradients = call.floats(0, count);
  Napi::Float64Array sums = call.doublesFor(2, call.product({3, count}));
  double* out = sums.Data();
  return call.run(6 * count, sums, [=] { kernels::addGradientPowers(gradients, count, out); });
}

// (activations, their images, images, channels, positions, sums, their images, lazy, copies, first or null)
// → [images · channels]
Napi::Value smoothWeights(KernelCall& call) {
  const Shape shape = call.shape(2);
  const Features activations = call.features(0, shape);
  const std::size_t images = call.size(6);
  if (images != 1 && images != shape.images) call.fail("ERR_INPUT_SHAPE", "gradients must be of one image or of all");
  kernels::PowerSums sums;
  sums.lazy = call.flag(7);
  sums.copies = call.size(8);
  const std::size_t perImage = shape.channels * (sums.lazy ? 1 : shape.positions);
  sums.count = call.product({images, perImage});
  sums.imageStep = images == 1 ? 0 : perImage;
  sums.data = call.doubles(5, call.product({3, sums.count}));
  const float* first = call.isNull(9) ? nullptr : call.floats(9, sums.count);
  Napi::Float32Array weights = call.newFloats(shape.images * shape.channels);
  float* out = weights.Data();
  return call.run(8 * shape.size(), weights, [=] { kernels::smoothWeights(activations, sums, first, shape, out); });
}

}  // namespace

void registerChannelKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "channelStatistics", channelStatistics);
  exportKernel(env, exports, "uniformChannels", uniformChannels);
  exportKernel(env, exports, "fullGradTerm", fullGradTerm);
  exportKernel(env, exports, "addGradientPowers", addGradientPowers);
  exportKernel(env, exports, "smoothWeights", smoothWeights);
}

}  // namespace onnx_cam
