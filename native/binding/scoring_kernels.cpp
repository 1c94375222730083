// What lib/scoring/ computes besides the perturbation loops: sums of masks, percentiles, blurs, groups of channels.
#include <napi.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "binding/arguments.hpp"
#include "binding/cancellation.hpp"
#include "binding/mask_arguments.hpp"
#include "binding/registry.hpp"
#include "binding/task.hpp"
#include "binding/typed_arrays.hpp"
#include "kernels/mask/clip_maps.hpp"
#include "kernels/mask/cluster_channels.hpp"
#include "kernels/mask/distinct_maps.hpp"
#include "kernels/mask/gaussian_blur.hpp"
#include "kernels/mask/mask_batch.hpp"
#include "kernels/mask/similar_channels.hpp"

namespace onnx_cam {

namespace {

/// All of these end early when the cancellation of their last argument is raised.
TaskOptions cancelledBy(Napi::Value cancellation) {
  TaskOptions options;
  options.cancellation = cancellationOf(cancellation);
  return options;
}

/// Runs work(out) on a pool thread and resolves with the typed array `To` that it filled.
template <typename To, typename T, typename Work>
Napi::Value fillTask(Napi::Env env, std::vector<Napi::Object> keep, std::size_t size, Work work, TaskOptions options) {
  auto out = std::make_shared<std::vector<T>>();
  return runTask(
      env, std::move(keep),
      [out, size, work] {
        out->resize(size);
        work(out->data());
      },
      [out](Napi::Env env) { return typedArrayOf<To>(env, *out); }, std::move(options));
}

// sumMasks({ maps, dims, canvas, size, grid, offsets, weights }, cancellation?) → Promise<Float32Array [targets, H, W]>
Napi::Value sumMasksTask(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  const std::vector<std::size_t> dims = sizesAt(request, "dims"), canvas = sizesAt(request, "canvas");
  const std::vector<std::size_t> size = sizesAt(request, "size");
  const auto grid = static_cast<kernels::MaskGrid>(intAt(request, "grid"));
  const kernels::MaskPlan plan(dims[1], dims[2], canvas[0], canvas[1], grid);
  const float* maps = arrayAt<float>(request, "maps").data;
  const auto weights = arrayAt<double>(request, "weights");
  const std::size_t targets = weights.size / dims[0];
  return fillTask<Napi::Float32Array, float>(
      info.Env(), {request}, targets * size[0] * size[1],
      [=, offsets = offsetsOf(request)](float* out) {
        kernels::sumMasks(plan, maps, dims[0], offsets.data(), weights.data, targets, size[0], size[1], out);
      },
      cancelledBy(info[1]));
}

// clipMaps(maps, dims, low, high, cancellation?) → Promise<Float32Array>, percentiles in percent
Napi::Value clipMapsTask(const Napi::CallbackInfo& info) {
  const Bytes bytes = bytesOf(info[0]);
  const std::vector<int64_t> dims = dimsOf(info[1]);
  const std::size_t size = bytes.size / sizeof(float), count = dims[0];
  const double low = info[2].As<Napi::Number>().DoubleValue(), high = info[3].As<Napi::Number>().DoubleValue();
  const auto* maps = reinterpret_cast<const float*>(bytes.data);
  return fillTask<Napi::Float32Array, float>(
      info.Env(), {info[0].As<Napi::Object>()}, size,
      [=](float* out) { kernels::clipMaps(maps, count, size / count, low, high, out); }, cancelledBy(info[4]));
}

// blurImage(image, [C, H, W], channelsLast, radius, deviation, cancellation?) → Promise<Float32Array>
Napi::Value blurImageTask(const Napi::CallbackInfo& info) {
  const Bytes bytes = bytesOf(info[0]);
  const std::vector<int64_t> shape = dimsOf(info[1]);
  const bool channelsLast = info[2].As<Napi::Boolean>().Value();
  const std::size_t radius = info[3].As<Napi::Number>().Uint32Value();
  const double deviation = info[4].As<Napi::Number>().DoubleValue();
  const auto* image = reinterpret_cast<const float*>(bytes.data);
  return fillTask<Napi::Float32Array, float>(
      info.Env(), {info[0].As<Napi::Object>()}, bytes.size / sizeof(float),
      [=](float* out) {
        kernels::gaussianBlur(image, shape[0], shape[1], shape[2], channelsLast, radius, deviation, out);
      },
      cancelledBy(info[5]));
}

// similarChannels(activations, [C, P], q, select, merge, cancellation?) → Promise<{ sets: Uint8Array [distinct, C], group }>:
// the set of each selected channel; equal ones are kept once with `merge`.
Napi::Value similarChannelsTask(const Napi::CallbackInfo& info) {
  const std::vector<int64_t> dims = dimsOf(info[1]);
  const double q = info[2].As<Napi::Number>().DoubleValue();
  const Bytes select = bytesOf(info[3]);
  const bool merge = info[4].As<Napi::Boolean>().Value();
  const auto* activations = reinterpret_cast<const float*>(bytesOf(info[0]).data);
  const std::size_t channels = dims[0], positions = dims[1], selected = select.size / sizeof(uint32_t);
  auto result = std::make_shared<DistinctSets>();
  return runTask(
      info.Env(), {info[0].As<Napi::Object>(), info[3].As<Napi::Object>()},
      [=] {
        std::vector<uint8_t> sets(selected * channels);
        kernels::similarChannels(activations, channels, positions, q, reinterpret_cast<const uint32_t*>(select.data),
                                 selected, sets.data());
        *result = findDistinctSets(std::move(sets), channels, merge);
      },
      [result](Napi::Env env) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("sets", typedArrayOf<Napi::Uint8Array>(env, result->sets));
        object.Set("group", typedArrayOf<Napi::Uint32Array>(env, result->group));
        return object;
      },
      cancelledBy(info[5]));
}

// clusterChannels(activations, [C, P], clusters, seed, cancellation?) → Promise<Uint32Array [C]>
Napi::Value clusterChannelsTask(const Napi::CallbackInfo& info) {
  const std::vector<int64_t> dims = dimsOf(info[1]);
  const std::size_t channels = dims[0], positions = dims[1], clusters = info[2].As<Napi::Number>().Uint32Value();
  const uint32_t seed = info[3].As<Napi::Number>().Uint32Value();
  const auto* activations = reinterpret_cast<const float*>(bytesOf(info[0]).data);
  return fillTask<Napi::Uint32Array, uint32_t>(
      info.Env(), {info[0].As<Napi::Object>()}, channels,
      [=](uint32_t* out) {
        const std::vector<uint32_t> clusterOf = clusterChannels(activations, channels, positions, clusters, seed);
        std::copy(clusterOf.begin(), clusterOf.end(), out);
      },
      cancelledBy(info[4]));
}

}  // namespace

void registerScoringKernels(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "sumMasks", sumMasksTask);
  exportFunction(env, exports, "clipMaps", clipMapsTask);
  exportFunction(env, exports, "blurImage", blurImageTask);
  exportFunction(env, exports, "similarChannels", similarChannelsTask);
  exportFunction(env, exports, "clusterChannels", clusterChannelsTask);
}

}  // namespace onnx_cam
