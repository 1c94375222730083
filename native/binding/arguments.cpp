#include "binding/arguments.hpp"

namespace onnx_cam {

Bytes bytesOf(Napi::Value value) {
  const Napi::Env env = value.Env();
  napi_typedarray_type type;
  std::size_t length = 0;
  void* data = nullptr;
  // The raw call: node-addon-api's wrapper asks for an ArrayBuffer, which a shared buffer is not.
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) {
    throw Napi::TypeError::New(env, "expected a typed array");
  }
  std::size_t width = 1;
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      width = 1;
      break;
    case napi_int16_array:
    case napi_uint16_array:
      width = 2;
      break;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      width = 4;
      break;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      width = 8;
      break;
    default:
      throw Napi::TypeError::New(env, "typed array of an unknown type");
  }
  return {static_cast<char*>(data), length * width};
}

std::string stringAt(const Napi::Object& object, const char* key) {
  return object.Get(key).As<Napi::String>().Utf8Value();
}

int intAt(const Napi::Object& object, const char* key) { return object.Get(key).As<Napi::Number>().Int32Value(); }

bool boolAt(const Napi::Object& object, const char* key) { return object.Get(key).As<Napi::Boolean>().Value(); }

std::vector<int64_t> dimsOf(Napi::Value value) {
  const auto array = value.As<Napi::Array>();
  std::vector<int64_t> dims(array.Length());
  for (uint32_t index = 0; index < array.Length(); ++index) {
    dims[index] = array.Get(index).As<Napi::Number>().Int64Value();
  }
  return dims;
}

std::vector<std::string> stringsOf(Napi::Value value) {
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> strings(array.Length());
  for (uint32_t index = 0; index < array.Length(); ++index) {
    strings[index] = array.Get(index).As<Napi::String>().Utf8Value();
  }
  return strings;
}

}  // namespace onnx_cam
