// Runs whose outputs stay on the session's device, and reductions of them there; for lib/engine/device-tensor.ts.
#include <napi.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "binding/arguments.hpp"
#include "binding/cancellation.hpp"
#include "binding/environment.hpp"
#include "binding/kept_result.hpp"
#include "binding/output.hpp"
#include "binding/registry.hpp"
#include "binding/session_handle.hpp"
#include "binding/task.hpp"
#include "binding/tensor_argument.hpp"
#include "binding/typed_arrays.hpp"
#include "device/device_features.hpp"
#include "engine/run_queue.hpp"

namespace onnx_cam {

namespace {

/// An output on a device, with what keeps its memory alive.
struct DeviceTensor {
  std::shared_ptr<Session> session;
  OrtPtr<OrtValue> value{nullptr, nullptr};
  TensorView view;

  const float* data() const { return static_cast<const float*>(view.data); }
};

using Shared = std::shared_ptr<DeviceTensor>;

Shared tensorAt(const Napi::Value& value) {
  Shared tensor = *value.As<Napi::External<Shared>>().Data();
  if (!tensor) throw Napi::Error::New(value.Env(), "the device's memory was released already");
  return tensor;
}

Napi::Value makeHandle(Napi::Env env, Shared tensor) {
  auto environment = Environment::of(env);
  auto handle = std::make_unique<Shared>(std::move(tensor));
  auto external = Napi::External<Shared>::New(env, handle.get(), [environment](Napi::Env, Shared* shared) {
    // Not on the event loop: freeing may wait for the device.
    if (*shared) environment->release([tensor = std::move(*shared)]() mutable { tensor.reset(); });
    delete shared;
  });
  handle.release();
  return external;
}

struct Kept {
  /// Of outputs that came to the CPU: null.
  Shared tensor;
  OrtPtr<OrtValue> value{nullptr, nullptr};
  TensorView view;
};

std::vector<Kept> runKept(const std::shared_ptr<Session>& session, const std::vector<TensorArgument>& inputs,
                          const std::vector<std::string>& fetches, const std::vector<uint8_t>& keep,
                          Cancellation& cancellation) {
  const Library& library = session->library();
  const OrtApi* api = library.api;
  const auto check = [&](OrtStatus* status) { library.check(status, "ERR_RUNTIME", "ONNX Runtime: "); };
  Device& device = *session->device();
  const Device::Turn turn(device);
  const auto binding = session->makeBinding();
  for (std::size_t i = 0; i < inputs.size(); i++) {
    const auto& [bytes, type, dims] = inputs[i];
    const auto tensor = makeTensor(library, bytes.data, bytes.size, dims, type);
    check(api->BindInput(binding.get(), session->inputs()[i].name.c_str(), tensor.get()));
  }
  for (std::size_t i = 0; i < fetches.size(); i++) {
    check(api->BindOutputToDevice(binding.get(), fetches[i].c_str(), keep[i] ? device.memory() : library.cpuMemory));
  }
  OrtAllocator* allocator = nullptr;
  check(api->GetAllocatorWithDefaultOptions(&allocator));
  session->runBound(binding.get(), &cancellation);
  check(api->SynchronizeBoundOutputs(binding.get()));
  OrtValue** values = nullptr;
  std::size_t count = 0;
  check(api->GetBoundOutputValues(binding.get(), allocator, &values, &count));
  std::vector<Kept> result(fetches.size());  // Before it owns anything.
  for (std::size_t i = 0; i < count; i++) result[i].value = {values[i], api->ReleaseValue};
  check(api->AllocatorFree(allocator, values));
  for (std::size_t i = 0; i < count; i++) {
    result[i].view = viewTensor(library, result[i].value.get());
    if (!keep[i]) continue;
    auto tensor = std::make_shared<DeviceTensor>();
    tensor->session = session;
    tensor->value = std::move(result[i].value);
    tensor->view = result[i].view;
    result[i].tensor = std::move(tensor);
  }
  return result;
}

// runKept(session, inputs (in its order), fetches, keep: Uint8Array, cancellation?) → Promise<tensors>; of those kept on
// the device { type, dims, handle } instead of { type, dims, data }.
Napi::Value runKeptTask(const Napi::CallbackInfo& info) {
  auto session = sessionOf(info[0]);
  const auto inputArray = info[1].As<Napi::Array>();
  const auto keep = info[3].As<Napi::Uint8Array>();
  const auto cancellation = cancellationOf(info[4]);
  auto result = std::make_shared<std::vector<Kept>>();
  TaskOptions options;
  options.queue = &RunQueue::runs();
  options.cancellation = cancellation;
  return runTask(
      info.Env(), {inputArray},
      [session = std::move(session), inputs = tensorsOf(inputArray), fetches = stringsOf(info[2]),
       keep = std::vector<uint8_t>(keep.Data(), keep.Data() + keep.ElementLength()), cancellation, result] {
        *result = runKept(session, inputs, fetches, keep, *cancellation);
        if (cancellation->cancelled()) result->clear();  // Here: freeing device memory may wait for the device.
      },
      [result](Napi::Env env) -> Napi::Value {
        Napi::Array tensors = Napi::Array::New(env, result->size());
        for (uint32_t i = 0; i < result->size(); i++) {
          Kept& kept = (*result)[i];
          if (!kept.tensor) {
            tensors.Set(i, tensorToJs(env, std::move(kept.value), kept.view, false));
            continue;
          }
          Napi::Array dims = Napi::Array::New(env, kept.view.dims.size());
          for (uint32_t axis = 0; axis < kept.view.dims.size(); axis++) {
            dims.Set(axis, Napi::Number::New(env, static_cast<double>(kept.view.dims[axis])));
          }
          Napi::Object object = Napi::Object::New(env);
          object.Set("type", Napi::Number::New(env, kept.view.type));
          object.Set("dims", dims);
          object.Set("handle", makeHandle(env, std::move(kept.tensor)));
          tensors.Set(i, object);
        }
        return tensors;
      },
      options);
}

// readKept(handle) → Promise<Float32Array>
Napi::Value readKept(const Napi::CallbackInfo& info) {
  const Shared tensor = tensorAt(info[0]);
  auto array = Napi::Float32Array::New(info.Env(), tensor->view.bytes / sizeof(float));
  const auto kept = std::make_shared<KeptResult>(array);
  return runTask(
      info.Env(), {},
      [tensor, values = array.Data()] {
        Device& device = *tensor->session->device();
        const Device::Turn turn(device);
        const auto mark = device.makeMark();
        device.download(tensor->view.data, tensor->view.bytes, values);
        mark->set();
        mark->wait();
      },
      [kept](Napi::Env) { return kept->value(); });
}

// releaseKept(handle): gives the memory back; the handle must not be used any more.
Napi::Value releaseKept(const Napi::CallbackInfo& info) {
  Shared& shared = *info[0].As<Napi::External<Shared>>().Data();
  if (shared) {
    Environment::of(info.Env())->release([tensor = std::move(shared)]() mutable { tensor.reset(); });
  }
  return info.Env().Undefined();
}

kernels::Shape shapeOf(const Napi::Object& request) {
  const std::vector<std::size_t> shape = sizesAt(request, "shape");
  return {shape[0], shape[1], shape[2]};
}

// reduceKept({ kind, shape: [images, channels, positions], activations: handle, activationImages,
//   factors: handle | Float32Array | null, factorImages, lazy, epsilon, guard, centre }, cancellation?)
// → Promise<Float32Array>
Napi::Value reduceKept(const Napi::CallbackInfo& info) {
  const auto request = info[0].As<Napi::Object>();
  const std::string kind = stringAt(request, "kind");
  const kernels::Shape shape = shapeOf(request);
  const Shared activations = tensorAt(request.Get("activations"));
  const Napi::Value given = request.Get("factors");
  const Shared factors = given.IsExternal() ? tensorAt(given) : nullptr;
  const bool lazy = boolAt(request, "lazy"), guard = boolAt(request, "guard"), centre = boolAt(request, "centre");
  const double epsilon = request.Get("epsilon").As<Napi::Number>().DoubleValue();
  const std::size_t perFactor = shape.channels * (lazy ? 1 : shape.positions);
  DeviceOperands operands;
  operands.activations = {activations->data(), intAt(request, "activationImages") == 1 ? 0 : shape.perImage()};
  operands.factors = {factors ? factors->data() : nullptr, intAt(request, "factorImages") == 1 ? 0 : perFactor, lazy};
  if (given.IsTypedArray()) {
    const auto weights = arrayAt<float>(request, "factors");
    operands.factors.data = weights.data;
    operands.weights = true;
    operands.weightCount = weights.size;
  }
  const bool map = kind.starts_with("sum-") || kind.starts_with("component-");
  auto out = std::make_shared<std::vector<float>>(shape.images * (map ? shape.positions : shape.channels));
  TaskOptions options;
  options.cancellation = cancellationOf(info[1]);
  return runTask(
      info.Env(), {request},
      [=] {
        Device& device = *activations->session->device();
        if (kind == "means") return channelMeansOn(device, activations->data(), shape, out->data());
        if (kind == "xgrad") return xgradWeightsOn(device, epsilon, guard, operands, shape, out->data());
        if (kind == "component-largest" || kind == "component-activation") {
          const auto sign = kind == "component-largest" ? kernels::SignRule::largest : kernels::SignRule::activation;
          return principalComponentOn(device, operands, centre, sign, shape, out->data());
        }
        if (kind == "sum-product") return channelSumOn(device, kernels::Term::product, operands, shape, out->data());
        if (kind == "sum-positive-product") {
          return channelSumOn(device, kernels::Term::positiveProduct, operands, shape, out->data());
        }
        if (kind == "sum-positive-gradient") {
          return channelSumOn(device, kernels::Term::positiveGradient, operands, shape, out->data());
        }
        const auto mode = kind == "paper" ? kernels::PlusPlusMode::paper
                          : kind == "pgc" ? kernels::PlusPlusMode::pgc
                                          : kernels::PlusPlusMode::torchcam;
        plusPlusWeightsOn(device, mode, operands, shape, out->data());
      },
      [out](Napi::Env env) { return typedArrayOf<Napi::Float32Array>(env, *out); }, options);
}

}  // namespace

void registerDeviceTensors(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "runKept", runKeptTask);
  exportFunction(env, exports, "readKept", readKept);
  exportFunction(env, exports, "releaseKept", releaseKept);
  exportFunction(env, exports, "reduceKept", reduceKept);
}

}  // namespace onnx_cam
