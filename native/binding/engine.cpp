// Sessions for lib/engine/: create, run, dispose, and what doctor wants to know about the library.
#include <napi.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "binding/arguments.hpp"
#include "binding/cancellation.hpp"
#include "binding/environment.hpp"
#include "binding/output.hpp"
#include "binding/registry.hpp"
#include "binding/session_handle.hpp"
#include "binding/task.hpp"
#include "binding/tensor_argument.hpp"
#include "engine/run_queue.hpp"
#include "engine/session.hpp"
#include "runtime/value.hpp"

namespace onnx_cam {

namespace {

KeyValues keyValuesAt(const Napi::Object& object, const char* key) {
  return listAt(object, key,
                [](const Napi::Object& pair) { return std::pair(stringAt(pair, "key"), stringAt(pair, "value")); });
}

std::optional<std::string> optionalStringAt(const Napi::Object& object, const char* key) {
  if (!object.Get(key).IsString()) return std::nullopt;
  return stringAt(object, key);
}

// Mirrors `NativeConfig` in lib/engine/session-options.ts.
SessionConfig configOf(const Napi::Object& object) {
  SessionConfig config;
  config.providers = listAt(object, "providers", [](const Napi::Object& provider) {
    return ProviderConfig{stringAt(provider, "name"), keyValuesAt(provider, "options")};
  });
  config.optimizationLevel = static_cast<GraphOptimizationLevel>(intAt(object, "optimizationLevel"));
  config.intraOpThreads = intAt(object, "intraOpThreads");
  config.interOpThreads = intAt(object, "interOpThreads");
  config.parallel = boolAt(object, "parallel");
  config.cpuArena = boolAt(object, "cpuArena");
  config.memoryPattern = boolAt(object, "memoryPattern");
  config.logId = stringAt(object, "logId");
  config.logSeverity = intAt(object, "logSeverity");
  config.logVerbosity = intAt(object, "logVerbosity");
  config.profilePrefix = optionalStringAt(object, "profilePrefix");
  config.optimizedModelPath = optionalStringAt(object, "optimizedModelPath");
  config.freeDimensions = listAt(object, "freeDimensions", [](const Napi::Object& pair) {
    return std::pair(stringAt(pair, "key"), pair.Get("value").As<Napi::Number>().Int64Value());
  });
  config.entries = keyValuesAt(object, "entries");
  config.externalFiles = listAt(object, "externalFiles", [](const Napi::Object& file) {
    const Bytes bytes = bytesOf(file.Get("bytes"));
    return ExternalFile{stringAt(file, "name"), {bytes.data, bytes.size}};
  });
  return config;
}

Napi::Array valueInfosToJs(Napi::Env env, const std::vector<ValueInfo>& values) {
  Napi::Array result = Napi::Array::New(env, values.size());
  for (uint32_t index = 0; index < values.size(); ++index) {
    const ValueInfo& value = values[index];
    Napi::Array dims = Napi::Array::New(env, value.dims.size());
    for (uint32_t axis = 0; axis < value.dims.size(); ++axis) {
      if (value.dims[axis] < 0 && !value.symbols[axis].empty()) {
        dims.Set(axis, Napi::String::New(env, value.symbols[axis]));
      } else {
        dims.Set(axis, Napi::Number::New(env, static_cast<double>(value.dims[axis])));
      }
    }
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", Napi::String::New(env, value.name));
    object.Set("kind", Napi::Number::New(env, value.kind));
    object.Set("type", Napi::Number::New(env, value.type));
    object.Set("dims", dims);
    result.Set(index, object);
  }
  return result;
}

Napi::Array stringsToJs(Napi::Env env, const std::vector<std::string>& strings) {
  Napi::Array result = Napi::Array::New(env, strings.size());
  for (uint32_t index = 0; index < strings.size(); ++index) result.Set(index, strings[index]);
  return result;
}

TaskOptions onRunQueue(std::shared_ptr<Cancellation> cancellation) {
  TaskOptions options;
  options.queue = &RunQueue::runs();
  options.cancellation = std::move(cancellation);
  return options;
}

// runtimeInfo(libraryPath) → Promise<{ version, apiVersion, path, providers }>
Napi::Value runtimeInfo(const Napi::CallbackInfo& info) {
  struct State {
    const Library* library = nullptr;
    std::vector<std::string> providers;
  };
  auto state = std::make_shared<State>();
  return runTask(
      info.Env(), {},
      [state, path = info[0].As<Napi::String>().Utf8Value()] {
        state->library = &Library::open(path);
        state->providers = state->library->providers();
      },
      [state](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("version", state->library->version);
        result.Set("apiVersion", Napi::Number::New(env, state->library->apiVersion));
        result.Set("path", state->library->path);
        result.Set("providers", stringsToJs(env, state->providers));
        return result;
      });
}

// createSession(libraryPath, model, config, cancellation?) → Promise<{ handle, version, inputs, outputs, warnings, accelerated, onDevice }>
Napi::Value createSession(const Napi::CallbackInfo& info) {
  const auto path = info[0].As<Napi::String>().Utf8Value();
  const Bytes model = bytesOf(info[1]);
  const auto configObject = info[2].As<Napi::Object>();
  auto config = configOf(configObject);
  const auto cancellation = cancellationOf(info[3]);
  auto session = std::make_shared<std::shared_ptr<Session>>();
  return runTask(
      info.Env(), {info[1].As<Napi::Object>(), configObject},
      [session, path, model, config = std::move(config), cancellation] {
        const Library& library = Library::open(path);
        *session = Session::create(library, {reinterpret_cast<const std::byte*>(model.data), model.size}, config,
                                   cancellation.get());
        if (cancellation->cancelled()) session->reset();  // Released here rather than on the event loop.
      },
      [session](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("version", (*session)->library().version);
        result.Set("inputs", valueInfosToJs(env, (*session)->inputs()));
        result.Set("outputs", valueInfosToJs(env, (*session)->outputs()));
        result.Set("warnings", stringsToJs(env, (*session)->warnings()));
        result.Set("accelerated", Napi::Boolean::New(env, (*session)->accelerated()));
        result.Set("onDevice", Napi::Boolean::New(env, (*session)->device() != nullptr));
        result.Set("handle", makeSessionHandle(env, std::move(*session)));
        return result;
      },
      onRunQueue(cancellation));
}

/// What a run hands from the pool's thread to JavaScript's.
struct RunResult {
  struct Output {
    OrtPtr<OrtValue> value;
    TensorView view;
    bool copy;
  };
  /// One per fetch; nullopt where the caller's tensor was written.
  std::vector<std::optional<Output>> outputs;
};

/// True when `view` lies inside one of the buffers that belong to JavaScript, or starts where an earlier output does:
/// such memory must not get a second owner.
bool isAliased(const TensorView& view, const std::vector<TensorArgument>& inputs, const RunResult& result) {
  const auto* start = static_cast<const char*>(view.data);
  for (const TensorArgument& input : inputs) {
    if (start >= input.bytes.data && start < input.bytes.data + input.bytes.size) return true;
  }
  for (const auto& output : result.outputs) {
    if (output && output->view.data == view.data) return true;
  }
  return false;
}

RunResult runSession(const Session& session, const std::vector<TensorArgument>& inputs,
                     const std::vector<std::string>& fetches, const std::vector<std::optional<TensorArgument>>& owned,
                     bool copy, Cancellation& cancellation) {
  const Library& library = session.library();
  std::vector<const char*> inputNamePointers;
  std::vector<const char*> fetchPointers;
  std::vector<OrtPtr<OrtValue>> inputValues;
  std::vector<const OrtValue*> inputPointers;
  for (std::size_t index = 0; index < inputs.size(); ++index) {
    const TensorArgument& input = inputs[index];
    inputNamePointers.push_back(session.inputs()[index].name.c_str());
    inputValues.push_back(makeTensor(library, input.bytes.data, input.bytes.size, input.dims, input.type));
    inputPointers.push_back(inputValues.back().get());
  }
  std::vector<OrtPtr<OrtValue>> ownedValues;
  std::vector<OrtValue*> outputPointers;
  for (std::size_t index = 0; index < fetches.size(); ++index) {
    fetchPointers.push_back(fetches[index].c_str());
    outputPointers.push_back(nullptr);
    if (const auto& tensor = owned[index]) {
      ownedValues.push_back(makeTensor(library, tensor->bytes.data, tensor->bytes.size, tensor->dims, tensor->type));
      outputPointers.back() = ownedValues.back().get();
    }
  }
  std::vector<OrtPtr<OrtValue>> values;
  values.reserve(fetches.size());  // Before the run: its outputs must find their owners.
  session.run(inputNamePointers, inputPointers, fetchPointers, outputPointers, &cancellation);

  // Every output gets its owner before one of them can be refused.
  for (std::size_t index = 0; index < fetches.size(); ++index) {
    values.emplace_back(owned[index] ? nullptr : outputPointers[index], library.api->ReleaseValue);
  }
  RunResult result;
  for (auto& value : values) {
    if (!value) {
      result.outputs.emplace_back(std::nullopt);
      continue;
    }
    TensorView view = viewTensor(library, value.get());
    const bool aliased = isAliased(view, inputs, result);
    result.outputs.push_back(RunResult::Output{std::move(value), std::move(view), copy || aliased});
  }
  return result;
}

// run(handle, inputs (in the session's order), fetches, owned (tensor or null per fetch), copyOutputs, cancellation?)
// → Promise<(tensor | null)[]>, null where the caller's tensor was written.
Napi::Value run(const Napi::CallbackInfo& info) {
  auto session = sessionOf(info[0]);
  const auto inputArray = info[1].As<Napi::Array>();
  std::vector<TensorArgument> inputs = tensorsOf(inputArray);
  auto fetches = stringsOf(info[2]);
  const auto ownedArray = info[3].As<Napi::Array>();
  std::vector<std::optional<TensorArgument>> owned(fetches.size());
  for (uint32_t index = 0; index < fetches.size(); ++index) {
    const Napi::Value tensor = ownedArray.Get(index);
    if (tensor.IsObject()) owned[index] = tensorOf(tensor.As<Napi::Object>());
  }
  const bool copy = info[4].As<Napi::Boolean>().Value();
  const auto cancellation = cancellationOf(info[5]);
  auto result = std::make_shared<RunResult>();
  return runTask(
      info.Env(), {inputArray, ownedArray},
      [session = std::move(session), inputs = std::move(inputs), fetches = std::move(fetches), owned = std::move(owned),
       copy, cancellation, result] { *result = runSession(*session, inputs, fetches, owned, copy, *cancellation); },
      [result](Napi::Env env) -> Napi::Value {
        Napi::Array tensors = Napi::Array::New(env, result->outputs.size());
        for (uint32_t index = 0; index < result->outputs.size(); ++index) {
          auto& output = result->outputs[index];
          tensors.Set(index,
                      output ? tensorToJs(env, std::move(output->value), output->view, output->copy) : env.Null());
        }
        return tensors;
      },
      onRunQueue(cancellation));
}

// disposeSession(handle) → Promise<void>: resolves when this handle's share of the session is gone; runs under way
// keep theirs.
Napi::Value disposeSession(const Napi::CallbackInfo& info) {
  return runTask(
      info.Env(), {}, [session = takeSession(info[0])]() mutable { session.reset(); },
      [](Napi::Env env) { return env.Undefined(); });
}

// createCancellation() → handle; cancel(handle) raises it.
Napi::Value createCancellation(const Napi::CallbackInfo& info) {
  using Shared = std::shared_ptr<Cancellation>;
  auto handle = std::make_unique<Shared>(std::make_shared<Cancellation>());
  auto external =
      Napi::External<Shared>::New(info.Env(), handle.get(), [](Napi::Env, Shared* shared) { delete shared; });
  handle.release();
  return external;
}

void cancel(const Napi::CallbackInfo& info) { cancellationOf(info[0])->cancel(); }

}  // namespace

void registerEngine(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "runtimeInfo", runtimeInfo);
  exportFunction(env, exports, "createSession", createSession);
  exportFunction(env, exports, "run", run);
  exportFunction(env, exports, "disposeSession", disposeSession);
  exportFunction(env, exports, "createCancellation", createCancellation);
  exportFunction(env, exports, "cancel", cancel);
}

}  // namespace onnx_cam
