// Perturbation loops for lib/scoring/: variants of an image or of a layer, scored by a model.
#include <napi.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "binding/arguments.hpp"
#include "binding/cancellation.hpp"
#include "binding/environment.hpp"
#include "binding/mask_arguments.hpp"
#include "binding/registry.hpp"
#include "binding/session_handle.hpp"
#include "binding/task.hpp"
#include "binding/typed_arrays.hpp"
#include "engine/run_queue.hpp"
#include "kernels/mask/distinct_maps.hpp"
#include "runtime/error.hpp"
#include "scoring/activation_variants.hpp"
#include "scoring/mask_variants.hpp"
#include "scoring/pixel_variants.hpp"
#include "scoring/score_variants.hpp"

namespace onnx_cam {

namespace {

// Mirrors `NativeModel` in lib/scoring/native-scoring.ts, like the functions below.
ScoringModel modelOf(const Napi::Object& object) {
  ScoringModel model;
  model.session = sessionOf(object.Get("session"));
  model.input = stringAt(object, "input");
  model.output = stringAt(object, "output");
  model.itemDims = dimsOf(object.Get("itemDims"));
  model.batch = static_cast<std::size_t>(intAt(object, "batch"));
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
                        numberAt(term, "weight"), boolAt(term, "opposite")});
    }
  }
  return targets;
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

/// The typed arrays of the list under `key`, each of `elements` of them where that isn't 0.
template <typename T>
std::vector<Array<T>> arraysAt(const Napi::Object& object, const char* key, std::size_t elements) {
  const auto list = object.Get(key).As<Napi::Array>();
  std::vector<Array<T>> arrays;
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Bytes bytes = bytesOf(list.Get(i));
    const std::size_t size = bytes.size / sizeof(T);
    if (elements != 0 && size != elements) {
      throw CodedError("ERR_INPUT_SHAPE", "an image holds " + std::to_string(size) + " values, the input takes " +
                                              std::to_string(elements));
    }
    arrays.push_back({reinterpret_cast<T*>(bytes.data), size});
  }
  return arrays;
}

// items: [from, to, order, begin, end] each
std::unique_ptr<Variants> pixelsOf(const Napi::Object& object) {
  const std::vector<std::size_t> shape = sizesAt(object, "shape");
  const auto items = arrayAt<uint32_t>(object, "items");
  PixelVariantsConfig config;
  config.channels = shape[0];
  config.pixels = shape[1] * shape[2];
  config.channelsLast = boolAt(object, "channelsLast");
  for (const auto& image : arraysAt<float>(object, "images", config.channels * config.pixels)) {
    config.images.push_back(image.data);
  }
  for (const auto& order : arraysAt<uint32_t>(object, "orders", 0)) config.orders.push_back({order.data, order.size});
  for (std::size_t i = 0; i + 4 < items.size; i += 5) {
    const uint32_t* item = items.data + i;
    config.items.push_back({item[0], item[1], item[2], item[3], item[4]});
  }
  return std::make_unique<PixelVariants>(std::move(config));
}

std::unique_ptr<Variants> variantsOf(const Napi::Object& object) {
  const std::string kind = stringAt(object, "kind");
  if (kind == "masks") return masksOf(object);
  if (kind == "pixels") {
    try {
      return pixelsOf(object);
    } catch (const CodedError& error) {
      throw Napi::Error(object.Env(), Environment::makeError(object.Env(), error.code(), error.what()));
    }
  }
  const std::vector<std::size_t> dims = sizesAt(object, "dims");
  const LayerView layer{arrayAt<float>(object, "activations").data, dims[0], dims[1], dims[2]};
  if (kind == "positions") {
    const bool spread = boolAt(object, "gaussian");
    return std::make_unique<PositionVariants>(layer, spread ? Surroundings::kSpread : Surroundings::kNone);
  }
  if (kind == "neighbourhoods") return std::make_unique<PositionVariants>(layer, Surroundings::kKept);
  if (kind == "sets") {
    const auto sets = arrayAt<uint8_t>(object, "sets");
    return std::make_unique<ChannelSetVariants>(layer, sets.data, sets.size / layer.channels);
  }
  const auto channels = arrayAt<uint32_t>(object, "channels");
  return std::make_unique<ChannelVariants>(layer, channels.data, arrayAt<float>(object, "values").data, channels.size);
}

// scoreVariants(model, variants, targets, { begin, end, chunk, parallel }, progress, cancellation?)
// → Promise<{ scores: Float64Array [end − begin, targets], chunk (at the end), milliseconds }>
Napi::Value scoreVariantsTask(const Napi::CallbackInfo& info) {
  struct State {
    ScoringModel model;
    std::unique_ptr<Variants> variants;
    TargetScores targets;
    std::vector<double> scores;
    std::size_t chunk = 0;
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
        // Dropped here on every way out, so that a last holder of the session releases it on the pool's thread.
        const ScoringModel model = std::move(state->model);
        const std::unique_ptr<Variants> variants = std::move(state->variants);
        state->scores.resize((end - begin) * state->targets.targets.size());
        state->chunk = scoreVariants(*variants, begin, end, model, state->targets, schedule, *cancellation, progress,
                                     state->scores.data())
                           .chunk;
        state->milliseconds =
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      },
      [state](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("scores", typedArrayOf<Napi::Float64Array>(env, state->scores));
        result.Set("chunk", Napi::Number::New(env, static_cast<double>(state->chunk)));
        result.Set("milliseconds", Napi::Number::New(env, state->milliseconds));
        return result;
      },
      options);
}

// distinctMaps({ maps, dims, rule, merge, skipConstant }, cancellation?) → Promise<{ first, group, constant, key }>
Napi::Value distinctMapsTask(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  const std::vector<std::size_t> dims = sizesAt(request, "dims");
  const float* maps = arrayAt<float>(request, "maps").data;
  const kernels::MaskRule rule = ruleOf(request.Get("rule").As<Napi::Object>());
  const bool merge = boolAt(request, "merge"), skipConstant = boolAt(request, "skipConstant");
  auto result = std::make_shared<DistinctMaps>();
  TaskOptions options;
  options.cancellation = cancellationOf(info[1]);
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
      },
      options);
}

// writeVariants(variants, out Float32Array [count, size]) → Promise<void>: the variants as the model gets them, for
// tests and benchmarks.
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

}  // namespace

void registerScoring(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "scoreVariants", scoreVariantsTask);
  exportFunction(env, exports, "distinctMaps", distinctMapsTask);
  exportFunction(env, exports, "writeVariants", writeVariantsTask);
}

}  // namespace onnx_cam
