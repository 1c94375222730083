// Perturbation loops for lib/scoring/: variants of an image or of a layer, scored by a model.
#include <napi.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "binding/arguments.hpp"
#include "binding/registry.hpp"
#include "binding/session_handle.hpp"
#include "binding/task.hpp"
#include "engine/run_queue.hpp"
#include "kernels/clip_maps.hpp"
#include "kernels/gaussian_blur.hpp"
#include "kernels/similar_channels.hpp"
#include "scoring/activation_variants.hpp"
#include "scoring/cluster_channels.hpp"
#include "scoring/distinct_maps.hpp"
#include "scoring/mask_variants.hpp"
#include "scoring/score_variants.hpp"

namespace onnx_cam {

namespace {

template <typename T>
struct Array {
  T* data = nullptr;
  std::size_t size = 0;
};

template <typename T>
Array<T> arrayAt(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsTypedArray()) return {};
  const Bytes bytes = bytesOf(value);
  return {reinterpret_cast<T*>(bytes.data), bytes.size / sizeof(T)};
}

std::vector<std::size_t> sizesAt(const Napi::Object& object, const char* key) {
  const std::vector<int64_t> dims = dimsOf(object.Get(key));
  return {dims.begin(), dims.end()};
}

double numberAt(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::Number>().DoubleValue();
}

template <typename To, typename From>
Napi::Value typedArrayOf(Napi::Env env, const std::vector<From>& values) {
  auto array = To::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

// Mirrors `NativeModel` in lib/scoring/native.ts, like the functions below.
ScoringModel modelOf(const Napi::Object& object) {
  ScoringModel model;
  model.session = sessionOf(object.Get("session"));
  model.input = stringAt(object, "input");
  model.output = stringAt(object, "output");
  model.itemDims = dimsOf(object.Get("itemDims"));
  model.fixed = listAt(object, "fixed", [](const Napi::Object& input) {
    const Bytes bytes = bytesOf(input.Get("data"));
    return FixedInput{stringAt(input, "name"),
                      bytes.data,
                      bytes.size,
                      static_cast<ONNXTensorElementDataType>(intAt(input, "type")),
                      dimsOf(input.Get("dims")),
                      boolAt(input, "repeated")};
  });
  return model;
}

TargetScores targetsOf(const Napi::Object& object) {
  TargetScores targets;
  targets.sigmoid = boolAt(object, "sigmoid");
  const auto rows = object.Get("targets").As<Napi::Array>();
  for (uint32_t t = 0; t < rows.Length(); t++) {
    const auto terms = rows.Get(t).As<Napi::Array>();
    auto& target = targets.targets.emplace_back();
    for (uint32_t i = 0; i < terms.Length(); i++) {
      const auto term = terms.Get(i).As<Napi::Object>();
      target.push_back({static_cast<ScoreView>(intAt(term, "view")), static_cast<std::size_t>(intAt(term, "index")),
                        numberAt(term, "weight")});
    }
  }
  return targets;
}

kernels::MaskRule ruleOf(const Napi::Object& object) {
  return {static_cast<kernels::MaskStretch>(intAt(object, "stretch")), static_cast<float>(numberAt(object, "epsilon")),
          boolAt(object, "complement")};
}

std::vector<kernels::MaskOffset> offsetsOf(const Napi::Object& object) {
  const auto values = arrayAt<uint32_t>(object, "offsets");
  std::vector<kernels::MaskOffset> offsets;
  for (std::size_t i = 0; i + 1 < values.size; i += 2) offsets.push_back({values.data[i], values.data[i + 1]});
  return offsets;
}

std::unique_ptr<Variants> masksOf(const Napi::Object& object) {
  const std::vector<std::size_t> dims = sizesAt(object, "dims");
  const std::vector<std::size_t> shape = sizesAt(object, "shape");
  const std::vector<std::size_t> canvas = sizesAt(object, "canvas");
  const auto select = arrayAt<uint32_t>(object, "select");
  const auto scales = arrayAt<float>(object, "scales");
  const auto keys = arrayAt<uint32_t>(object, "noiseKeys");
  const auto noise = object.Get("noise").As<Napi::Object>();
  MaskVariantsConfig config{
      .maps = arrayAt<float>(object, "maps").data,
      .select = {select.data, select.data + select.size},
      .plan = {dims[1], dims[2], canvas[0], canvas[1], static_cast<kernels::MaskGrid>(intAt(object, "grid"))},
      .rule = ruleOf(object.Get("rule").As<Napi::Object>()),
      .image = {arrayAt<float>(object, "image").data, arrayAt<float>(object, "background").data, shape[0], shape[1],
                shape[2], boolAt(object, "channelsLast")},
      .scales = {scales.data, scales.data + scales.size},
      .noise = {static_cast<NoiseTarget>(intAt(noise, "target")), numberAt(noise, "deviation"),
                static_cast<uint32_t>(noise.Get("seed").As<Napi::Number>().Uint32Value())},
      .noiseKeys = {keys.data, keys.data + keys.size},
      .offsets = offsetsOf(object),
  };
  return std::make_unique<MaskVariants>(std::move(config));
}

std::unique_ptr<Variants> variantsOf(const Napi::Object& object) {
  const std::string kind = stringAt(object, "kind");
  if (kind == "masks") return masksOf(object);
  const std::vector<std::size_t> dims = sizesAt(object, "dims");
  const LayerView layer{arrayAt<float>(object, "activations").data, dims[0], dims[1], dims[2]};
  if (kind == "positions") return std::make_unique<PositionVariants>(layer, boolAt(object, "gaussian"));
  if (kind == "sets") {
    const auto sets = arrayAt<uint8_t>(object, "sets");
    return std::make_unique<ChannelSetVariants>(layer, sets.data, sets.size / layer.channels);
  }
  const auto channels = arrayAt<uint32_t>(object, "channels");
  return std::make_unique<ChannelVariants>(layer, channels.data, arrayAt<float>(object, "values").data, channels.size);
}

// scoreVariants(model, variants, targets, { begin, end, chunk, parallel }, progress, cancellation?)
// → Promise<{ scores: Float64Array [end − begin, targets], milliseconds }>
Napi::Value scoreVariantsTask(const Napi::CallbackInfo& info) {
  struct State {
    ScoringModel model;
    std::unique_ptr<Variants> variants;
    TargetScores targets;
    std::vector<double> scores;
    double milliseconds = 0;
  };
  auto state = std::make_shared<State>();
  const auto run = info[3].As<Napi::Object>();
  state->model = modelOf(info[0].As<Napi::Object>());
  state->variants = variantsOf(info[1].As<Napi::Object>());
  state->targets = targetsOf(info[2].As<Napi::Object>());
  const std::size_t begin = intAt(run, "begin"), end = intAt(run, "end");
  const ScoringSchedule schedule{static_cast<std::size_t>(intAt(run, "chunk")),
                                 static_cast<std::size_t>(intAt(run, "parallel"))};
  auto* progress = reinterpret_cast<int32_t*>(bytesOf(info[4]).data);
  TaskOptions options;
  options.queue = &RunQueue::runs();
  options.cancellation = cancellationOf(info[5]);
  return runTask(
      info.Env(), {info[0].As<Napi::Object>(), info[1].As<Napi::Object>(), info[4].As<Napi::Object>()},
      [state, begin, end, schedule, progress, cancellation = options.cancellation] {
        const auto start = std::chrono::steady_clock::now();
        state->scores.resize((end - begin) * state->targets.targets.size());
        scoreVariants(*state->variants, begin, end, state->model, state->targets, schedule, *cancellation, progress,
                      state->scores.data());
        state->milliseconds =
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
        state->variants.reset();
        state->model.session.reset();  // Here, so that a last holder releases it on the pool's thread.
      },
      [state](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("scores", typedArrayOf<Napi::Float64Array>(env, state->scores));
        result.Set("milliseconds", Napi::Number::New(env, state->milliseconds));
        return result;
      },
      options);
}

// distinctMaps({ maps, dims, rule, merge, skipConstant }) → Promise<{ first, group, constant, key }>
Napi::Value distinctMapsTask(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  const std::vector<std::size_t> dims = sizesAt(request, "dims");
  const float* maps = arrayAt<float>(request, "maps").data;
  const kernels::MaskRule rule = ruleOf(request.Get("rule").As<Napi::Object>());
  const bool merge = boolAt(request, "merge"), skipConstant = boolAt(request, "skipConstant");
  auto result = std::make_shared<DistinctMaps>();
  return runTask(
      info.Env(), {request},
      [=] { *result = findDistinctMaps(maps, dims[0], dims[1] * dims[2], rule, merge, skipConstant); },
      [result](Napi::Env env) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("first", typedArrayOf<Napi::Uint32Array>(env, result->first));
        object.Set("group", typedArrayOf<Napi::Int32Array>(env, result->group));
        object.Set("constant", typedArrayOf<Napi::Uint8Array>(env, result->constant));
        object.Set("key", typedArrayOf<Napi::Uint32Array>(env, result->key));
        return object;
      });
}

// writeVariants(variants, out Float32Array [count, size]) → Promise<void>: the variants as the model gets them, for tests
// and benchmarks.
Napi::Value writeVariantsTask(const Napi::CallbackInfo& info) {
  const auto variants = std::make_shared<std::unique_ptr<Variants>>(variantsOf(info[0].As<Napi::Object>()));
  auto out = info[1].As<Napi::Float32Array>();
  float* slots = out.Data();
  return runTask(
      info.Env(), {info[0].As<Napi::Object>(), out.As<Napi::Object>()},
      [variants, slots] {
        const auto writer = (*variants)->writer();
        for (std::size_t i = 0; i < (*variants)->count(); i++) writer->write(i, slots + i * (*variants)->size());
      },
      [](Napi::Env env) { return env.Undefined(); });
}

/// Runs work(out) on a pool thread and resolves with the typed array `To` that it filled.
template <typename To, typename T, typename Work>
Napi::Value fillTask(Napi::Env env, std::vector<Napi::Object> keep, std::size_t size, Work work) {
  auto out = std::make_shared<std::vector<T>>();
  return runTask(
      env, std::move(keep),
      [out, size, work] {
        out->resize(size);
        work(out->data());
      },
      [out](Napi::Env env) { return typedArrayOf<To>(env, *out); });
}

// sumMasks({ maps, dims, canvas, size, grid, offsets, weights }) → Promise<Float32Array [targets, H, W]>
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
      });
}

// clipMaps(maps, dims, low, high) → Promise<Float32Array>, percentiles in percent
Napi::Value clipMapsTask(const Napi::CallbackInfo& info) {
  const Bytes bytes = bytesOf(info[0]);
  const std::vector<int64_t> dims = dimsOf(info[1]);
  const std::size_t size = bytes.size / sizeof(float), count = dims[0];
  const double low = info[2].As<Napi::Number>().DoubleValue(), high = info[3].As<Napi::Number>().DoubleValue();
  const auto* maps = reinterpret_cast<const float*>(bytes.data);
  return fillTask<Napi::Float32Array, float>(info.Env(), {info[0].As<Napi::Object>()}, size, [=](float* out) {
    kernels::clipMaps(maps, count, size / count, low, high, out);
  });
}

// blurImage(image, [C, H, W], channelsLast, radius, deviation) → Promise<Float32Array>
Napi::Value blurImageTask(const Napi::CallbackInfo& info) {
  const Bytes bytes = bytesOf(info[0]);
  const std::vector<int64_t> shape = dimsOf(info[1]);
  const bool channelsLast = info[2].As<Napi::Boolean>().Value();
  const std::size_t radius = info[3].As<Napi::Number>().Uint32Value();
  const double deviation = info[4].As<Napi::Number>().DoubleValue();
  const auto* image = reinterpret_cast<const float*>(bytes.data);
  return fillTask<Napi::Float32Array, float>(
      info.Env(), {info[0].As<Napi::Object>()}, bytes.size / sizeof(float), [=](float* out) {
        kernels::gaussianBlur(image, shape[0], shape[1], shape[2], channelsLast, radius, deviation, out);
      });
}

// similarChannels(activations, [C, P], q, select, merge) → Promise<{ sets: Uint8Array [distinct, C], group }>: the set
// of each selected channel; equal ones are kept once with `merge`.
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
      });
}

// clusterChannels(activations, [C, P], clusters, seed) → Promise<Uint32Array [C]>
Napi::Value clusterChannelsTask(const Napi::CallbackInfo& info) {
  const std::vector<int64_t> dims = dimsOf(info[1]);
  const std::size_t channels = dims[0], positions = dims[1], clusters = info[2].As<Napi::Number>().Uint32Value();
  const uint32_t seed = info[3].As<Napi::Number>().Uint32Value();
  const auto* activations = reinterpret_cast<const float*>(bytesOf(info[0]).data);
  return fillTask<Napi::Uint32Array, uint32_t>(
      info.Env(), {info[0].As<Napi::Object>()}, channels, [=](uint32_t* out) {
        const std::vector<uint32_t> clusterOf = clusterChannels(activations, channels, positions, clusters, seed);
        std::copy(clusterOf.begin(), clusterOf.end(), out);
      });
}

}  // namespace

void registerScoring(Napi::Env env, Napi::Object exports) {
  exports.Set("scoreVariants", Napi::Function::New(env, scoreVariantsTask));
  exports.Set("distinctMaps", Napi::Function::New(env, distinctMapsTask));
  exports.Set("sumMasks", Napi::Function::New(env, sumMasksTask));
  exports.Set("clipMaps", Napi::Function::New(env, clipMapsTask));
  exports.Set("blurImage", Napi::Function::New(env, blurImageTask));
  exports.Set("similarChannels", Napi::Function::New(env, similarChannelsTask));
  exports.Set("clusterChannels", Napi::Function::New(env, clusterChannelsTask));
  exports.Set("writeVariants", Napi::Function::New(env, writeVariantsTask));
}

}  // namespace onnx_cam
