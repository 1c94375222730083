// Reads and checks the arguments of a kernel's binding, and runs its work as a promise.
//
// The TypeScript wrappers (lib/kernels) check for people; these checks keep a wrong call from reading or writing
// outside a buffer. Sizes are never trusted: an array must hold exactly the elements that the dimensions call for, which also
// refuses detached buffers (they hold 0).
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/shape.hpp"

namespace onnx_cam {

class KernelCall {
 public:
  explicit KernelCall(const Napi::CallbackInfo& info) : info_(info), env_(info.Env()) {}

  Napi::Env env() const { return env_; }
  /// Throws a JavaScript error with one of lib/common/errors.ts's codes.
  [[noreturn]] void fail(const char* code, const std::string& message) const;

  /// A whole number from `least` to 2^31 − 1.
  std::size_t size(std::size_t index, std::size_t least = 1) const;
  double number(std::size_t index) const;
  /// A whole number of 32 bits.
  std::uint32_t seed(std::size_t index) const;
  bool flag(std::size_t index) const;
  /// The position of a string among `names`.
  std::size_t choice(std::size_t index, std::initializer_list<std::string_view> names) const;
  bool isNull(std::size_t index) const { return info_[index].IsNull(); }

  /// The product, refused when no array could hold so many elements. Factors are results of `size`.
  std::size_t product(std::initializer_list<std::size_t> factors) const;
  std::size_t sum(std::size_t a, std::size_t b) const;

  /// A Float32Array (also a view with an offset, also on a SharedArrayBuffer) of exactly `count` elements; kept alive
  /// until the promise settles.
  const float* floats(std::size_t index, std::size_t count);
  const std::uint8_t* bytes(std::size_t index, std::size_t count);
  const double* doubles(std::size_t index, std::size_t count);
  const std::uint32_t* words(std::size_t index, std::size_t count);
  /// An array of at least one Float32Array, of any lengths.
  std::vector<std::span<const float>> floatArrays(std::size_t index);
  /// The number of elements of a typed array at `index`; 0 for anything else.
  std::size_t length(std::size_t index) const;
  bool isFloats(std::size_t index) const { return isTyped(index, napi_float32_array); }
  bool isDoubles(std::size_t index) const { return isTyped(index, napi_float64_array); }

  /// Dimensions at `index` … `index` + 2: images, channels, positions.
  kernels::Shape shape(std::size_t index) const;
  /// A Float32Array at `index` and its number of images at `index` + 1: 1 or shape.images.
  kernels::Features features(std::size_t index, kernels::Shape shape);
  /// The same, with a flag at `index` + 2: one value per channel instead of one per position.
  kernels::Gradients gradients(std::size_t index, kernels::Shape shape);

  /// A new array for results, kept alive until the promise settles.
  Napi::Float32Array newFloats(std::size_t count);
  Napi::Uint8Array newBytes(std::size_t count);
  Napi::Float64Array newDoubles(std::size_t count);
  /// The caller's array for `count` results at `index`, or a new one where he gives null.
  Napi::Float32Array floatsFor(std::size_t index, std::size_t count);
  Napi::Uint8Array bytesFor(std::size_t index, std::size_t count);
  /// The caller's array of `count` elements at `index`, to be written.
  Napi::Float64Array doublesFor(std::size_t index, std::size_t count);
  std::uint32_t* wordsFor(std::size_t index, std::size_t count);

  /// `result`, or a promise for it. Work of few `operations` (roughly: float additions) runs on this thread at once,
  /// because the way to another one and back, and even a promise, cost more; the rest runs on the pool and leaves the event
  /// loop alone, until a cancellation that came as the last argument is raised. A double, since products of sizes may be
  /// beyond what 64 bits hold.
  Napi::Value run(double operations, Napi::Object result, std::function<void()> work);

 private:
  bool isTyped(std::size_t index, napi_typedarray_type type) const {
    return info_[index].IsTypedArray() && info_[index].As<Napi::TypedArray>().TypedArrayType() == type;
  }
  template <class Array>
  Array newArray(std::size_t count);
  void* elements(std::size_t index, napi_typedarray_type type, const char* name, std::size_t count);

  const Napi::CallbackInfo& info_;
  Napi::Env env_;
  std::vector<Napi::Object> keep_;
};

/// Adds `name` to the exports; `function` takes a KernelCall and returns what `run` gives.
void exportKernel(Napi::Env env, Napi::Object exports, const char* name, Napi::Value (*function)(KernelCall& call));

}  // namespace onnx_cam
