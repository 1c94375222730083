#include "binding/output.hpp"

#include <cstring>
#include <memory>
#include <utility>

namespace onnx_cam {

namespace {

napi_typedarray_type arrayType(ElementType type) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
      return napi_float32_array;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
      return napi_float64_array;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
      return napi_int8_array;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
      return napi_int16_array;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
      return napi_int32_array;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
      return napi_bigint64_array;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32:
      return napi_uint32_array;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64:
      return napi_biguint64_array;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16:
      return napi_uint16_array;
    default:
      return napi_uint8_array;
  }
}

void releaseValue(napi_env, void*, void* hint) { delete static_cast<OrtPtr<OrtValue>*>(hint); }

napi_value copiedBuffer(Napi::Env env, const TensorView& view) {
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, view.bytes);
  if (view.bytes > 0) std::memcpy(buffer.Data(), view.data, view.bytes);
  return buffer;
}

napi_value externalBuffer(Napi::Env env, OrtPtr<OrtValue> value, const TensorView& view) {
  auto owner = std::make_unique<OrtPtr<OrtValue>>(std::move(value));
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env, view.data, view.bytes, &releaseValue, owner.get(), &buffer) == napi_ok) {
    owner.release();
    return buffer;
  }
  return copiedBuffer(env, view);
}

}  // namespace

Napi::Object tensorToJs(Napi::Env env, OrtPtr<OrtValue> value, const TensorView& view, bool copy) {
  // An empty tensor has no address of its own that could be wrapped.
  napi_value buffer = copy || view.bytes == 0 ? copiedBuffer(env, view) : externalBuffer(env, std::move(value), view);
  napi_value data = nullptr;
  if (napi_create_typedarray(env, arrayType(view.type), view.bytes / elementSize(view.type), buffer, 0, &data) !=
      napi_ok) {
    throw Napi::Error::New(env, "an output's typed array could not be made");
  }
  Napi::Array dims = Napi::Array::New(env, view.dims.size());
  for (std::size_t axis = 0; axis < view.dims.size(); ++axis) {
    dims.Set(static_cast<uint32_t>(axis), Napi::Number::New(env, static_cast<double>(view.dims[axis])));
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("type", Napi::Number::New(env, view.type));
  result.Set("data", Napi::Value(env, data));
  result.Set("dims", dims);
  return result;
}

}  // namespace onnx_cam
