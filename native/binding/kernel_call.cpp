#include "binding/kernel_call.hpp"

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "binding/cancellation.hpp"
#include "binding/environment.hpp"
#include "binding/kept_result.hpp"
#include "binding/task.hpp"

namespace onnx_cam {
namespace {

// Some tens of microseconds of work.
constexpr double kInlineOperations = 1 << 19;
// Float32Array's limit in V8 is 2^32 elements or more.
constexpr std::size_t kMostElements = (std::size_t{1} << 32) - 1;
constexpr const char* kOptionInvalid = "ERR_OPTION_INVALID";
constexpr const char* kInputShape = "ERR_INPUT_SHAPE";

std::string argument(std::size_t index) { return "kernel argument " + std::to_string(index + 1); }

}  // namespace

void KernelCall::fail(const char* code, const std::string& message) const {
  throw Napi::Error(env_, Environment::makeError(env_, code, message));
}

std::size_t KernelCall::size(std::size_t index, std::size_t least) const {
  const double value = info_[index].IsNumber() ? number(index) : -1;
  if (!(value >= static_cast<double>(least) && value <= std::numeric_limits<std::int32_t>::max()) ||
      value != static_cast<double>(static_cast<std::int32_t>(value))) {
    fail(kInputShape, argument(index) + " must be a whole number of at least " + std::to_string(least));
  }
  return static_cast<std::size_t>(value);
}

double KernelCall::number(std::size_t index) const {
  if (!info_[index].IsNumber()) fail(kOptionInvalid, argument(index) + " must be a number");
  return info_[index].As<Napi::Number>().DoubleValue();
}

std::uint32_t KernelCall::seed(std::size_t index) const {
  const double seed = number(index);
  if (!(seed >= 0 && seed <= 4294967295.0)) fail(kOptionInvalid, "a seed must have 32 bits");
  return static_cast<std::uint32_t>(seed);
}

bool KernelCall::flag(std::size_t index) const {
  if (!info_[index].IsBoolean()) fail(kOptionInvalid, argument(index) + " must be true or false");
  return info_[index].As<Napi::Boolean>().Value();
}

std::size_t KernelCall::choice(std::size_t index, std::initializer_list<std::string_view> names) const {
  const std::string given = info_[index].IsString() ? info_[index].As<Napi::String>().Utf8Value() : std::string();
  std::string known;
  std::size_t position = 0;
  for (const std::string_view name : names) {
    if (name == given) return position;
    position++;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  fail(kOptionInvalid, argument(index) + " is '" + given + "'; known: " + known);
}

void* KernelCall::elements(std::size_t index, napi_typedarray_type type, const char* name, std::size_t count) {
  const Napi::Value value = info_[index];
  napi_typedarray_type actual = napi_int8_array;
  std::size_t length = 0;
  void* data = nullptr;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(env_, value, &actual, &length, &data, nullptr, nullptr) != napi_ok || actual != type) {
    fail(kInputShape, argument(index) + " must be a " + name);
  }
  if (length != count) {
    fail(kInputShape, argument(index) + " holds " + std::to_string(length) + " elements, the dimensions call for " +
                          std::to_string(count) + (length == 0 ? " (was its buffer transferred away?)" : ""));
  }
  keep_.push_back(value.As<Napi::Object>());
  return data;
}

const float* KernelCall::floats(std::size_t index, std::size_t count) {
  return static_cast<const float*>(elements(index, napi_float32_array, "Float32Array", count));
}

const std::uint8_t* KernelCall::bytes(std::size_t index, std::size_t count) {
  return static_cast<const std::uint8_t*>(elements(index, napi_uint8_array, "Uint8Array", count));
}

const double* KernelCall::doubles(std::size_t index, std::size_t count) {
  return static_cast<const double*>(elements(index, napi_float64_array, "Float64Array", count));
}

const std::uint32_t* KernelCall::words(std::size_t index, std::size_t count) {
  return static_cast<const std::uint32_t*>(elements(index, napi_uint32_array, "Uint32Array", count));
}

std::vector<std::span<const float>> KernelCall::floatArrays(std::size_t index) {
  const std::uint32_t length = info_[index].IsArray() ? info_[index].As<Napi::Array>().Length() : 0;
  if (length == 0) fail(kInputShape, argument(index) + " must be an array of Float32Arrays");
  std::vector<std::span<const float>> arrays;
  for (std::uint32_t i = 0; i < length; i++) {
    const Napi::Value value = info_[index].As<Napi::Array>().Get(i);
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
      fail(kInputShape, argument(index) + " must be an array of Float32Arrays");
    }
    const auto array = value.As<Napi::Float32Array>();
    arrays.emplace_back(array.Data(), array.ElementLength());
    keep_.push_back(array);
  }
  return arrays;
}

std::size_t KernelCall::length(std::size_t index) const {
  return info_[index].IsTypedArray() ? info_[index].As<Napi::TypedArray>().ElementLength() : 0;
}

std::size_t KernelCall::product(std::initializer_list<std::size_t> factors) const {
  std::size_t product = 1;
  for (const std::size_t factor : factors) {
    // Both are below 2^32.
    product *= factor;
    if (product > kMostElements) fail(kInputShape, "the dimensions call for more elements than an array can hold");
  }
  return product;
}

std::size_t KernelCall::sum(std::size_t a, std::size_t b) const {
  if (a + b > kMostElements) fail(kInputShape, "there are more elements than an array can hold");
  return a + b;
}

kernels::Shape KernelCall::shape(std::size_t index) const {
  const kernels::Shape shape{size(index), size(index + 1), size(index + 2)};
  product({shape.images, shape.channels, shape.positions});
  return shape;
}

kernels::Features KernelCall::features(std::size_t index, kernels::Shape shape) {
  const std::size_t images = size(index + 1);
  if (images != 1 && images != shape.images) fail(kInputShape, argument(index + 1) + " must be 1 or the batch size");
  return {floats(index, images * shape.perImage()), images == 1 ? 0 : shape.perImage()};
}

kernels::Gradients KernelCall::gradients(std::size_t index, kernels::Shape shape) {
  const bool lazy = flag(index + 2);
  if (lazy) shape.positions = 1;
  const kernels::Features features = this->features(index, shape);
  return {features.data, features.imageStep, lazy};
}

template <class Array>
Array KernelCall::newArray(std::size_t count) {
  try {
    const Array array = Array::New(env_, count);
    keep_.push_back(array);
    return array;
  } catch (const Napi::Error&) {
    fail("ERR_OUT_OF_MEMORY", "there is no memory for a result of " + std::to_string(count) + " elements");
  }
}

Napi::Float32Array KernelCall::newFloats(std::size_t count) { return newArray<Napi::Float32Array>(count); }

Napi::Uint8Array KernelCall::newBytes(std::size_t count) { return newArray<Napi::Uint8Array>(count); }

Napi::Float64Array KernelCall::newDoubles(std::size_t count) { return newArray<Napi::Float64Array>(count); }

Napi::Float32Array KernelCall::floatsFor(std::size_t index, std::size_t count) {
  if (isNull(index)) return newFloats(count);
  floats(index, count);
  return info_[index].As<Napi::Float32Array>();
}

Napi::Uint8Array KernelCall::bytesFor(std::size_t index, std::size_t count) {
  if (isNull(index)) return newBytes(count);
  bytes(index, count);
  return info_[index].As<Napi::Uint8Array>();
}

Napi::Float64Array KernelCall::doublesFor(std::size_t index, std::size_t count) {
  doubles(index, count);
  return info_[index].As<Napi::Float64Array>();
}

std::uint32_t* KernelCall::wordsFor(std::size_t index, std::size_t count) {
  return static_cast<std::uint32_t*>(elements(index, napi_uint32_array, "Uint32Array", count));
}

Napi::Value KernelCall::run(double operations, Napi::Object result, std::function<void()> work) {
  if (operations < kInlineOperations) {
    work();
    return result;
  }
  // `finish` has another scope, so it needs a reference.
  const auto kept = std::make_shared<KeptResult>(result);
  TaskOptions options;
  options.cancellation = cancellationOf(info_[info_.Length() - 1]);
  return runTask(
      env_, std::move(keep_), std::move(work), [kept](Napi::Env) -> Napi::Value { return kept->value(); }, options);
}

void exportKernel(Napi::Env env, Napi::Object exports, const char* name, Napi::Value (*function)(KernelCall& call)) {
  exportFunction(env, exports, name, [function](const Napi::CallbackInfo& info) {
    KernelCall call(info);
    return function(call);
  });
}

}  // namespace onnx_cam
