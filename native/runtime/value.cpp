#include "runtime/value.hpp"

#include <limits>
#include <string>

#include "runtime/error.hpp"

namespace onnx_cam {

std::size_t elementSize(ElementType type) {
  switch (type) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL:
      return 1;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16:
      return 2;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32:
      return 4;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64:
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64:
      return 8;
    default:
      return 0;
  }
}

std::optional<std::size_t> elementCount(std::span<const int64_t> dims) {
  std::size_t count = 1;
  for (int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    const auto size = static_cast<std::size_t>(dim);
    if (size != 0 && count > std::numeric_limits<std::size_t>::max() / size) return std::nullopt;
    count *= size;
  }
  return count;
}

OrtPtr<OrtValue> makeTensor(const Library& library, void* data, std::size_t bytes, std::span<const int64_t> dims,
                            ElementType type, const OrtMemoryInfo* memory) {
  static char empty;  // ONNX Runtime wants an address even for no elements.
  const std::size_t size = elementSize(type);
  const auto count = elementCount(dims);
  if (size == 0 || !count || *count != bytes / size || bytes % size != 0) {
    throw CodedError("ERR_INPUT_SHAPE", "a tensor's data has " + std::to_string(bytes) + " bytes, its dims need " +
                                            (count ? std::to_string(*count * size) : "more than can be counted"));
  }
  OrtValue* value = nullptr;
  library.check(library.api->CreateTensorWithDataAsOrtValue(memory ? memory : library.cpuMemory, data ? data : &empty,
                                                            bytes, dims.data(), dims.size(), type, &value),
                "ERR_RUNTIME", "ONNX Runtime refused a tensor: ");
  return {value, library.api->ReleaseValue};
}

TensorView viewTensor(const Library& library, OrtValue* value) {
  const OrtApi* api = library.api;
  int isTensor = 0;
  library.check(api->IsTensor(value, &isTensor), "ERR_RUNTIME", "");
  if (!isTensor) {
    throw CodedError("ERR_MODEL_UNSUPPORTED",
                     "an output is a sequence, map or optional value; only tensors can be read");
  }
  OrtTensorTypeAndShapeInfo* raw = nullptr;
  library.check(api->GetTensorTypeAndShape(value, &raw), "ERR_RUNTIME", "");
  const OrtPtr<OrtTensorTypeAndShapeInfo> info(raw, api->ReleaseTensorTypeAndShapeInfo);
  TensorView view{};
  library.check(api->GetTensorElementType(raw, &view.type), "ERR_RUNTIME", "");
  std::size_t rank = 0;
  library.check(api->GetDimensionsCount(raw, &rank), "ERR_RUNTIME", "");
  view.dims.resize(rank);
  library.check(api->GetDimensions(raw, view.dims.data(), rank), "ERR_RUNTIME", "");
  const std::size_t size = elementSize(view.type);
  if (size == 0) {
    throw CodedError("ERR_MODEL_UNSUPPORTED", "an output has ONNX element type " + std::to_string(view.type) +
                                                  " (strings, complex numbers and types below a byte cannot be read)");
  }
  view.bytes = elementCount(view.dims).value_or(0) * size;
  if (view.bytes > 0) library.check(api->GetTensorMutableData(value, &view.data), "ERR_RUNTIME", "");
  return view;
}

}  // namespace onnx_cam
