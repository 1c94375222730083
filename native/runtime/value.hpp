// Tensors over memory that somebody else owns.
#pragma once

#include <onnxruntime_c_api.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/library.hpp"

namespace onnx_cam {

using ElementType = ONNXTensorElementDataType;

/// Bytes per element; 0 for strings and for types that are smaller than a byte.
std::size_t elementSize(ElementType type);

/// Number of elements; nullopt when a dimension is negative or the product does not fit.
std::optional<std::size_t> elementCount(std::span<const int64_t> dims);

/// A tensor that reads and writes `data` in place, row-major; the memory must outlive it.
/// Throws CodedError ERR_INPUT_SHAPE when `bytes` is not what `dims` and `type` need.
/// `memory` says whose memory it is; the CPU's when null.
OrtPtr<OrtValue> makeTensor(const Library& library, void* data, std::size_t bytes, std::span<const int64_t> dims,
                            ElementType type, const OrtMemoryInfo* memory = nullptr);

struct TensorView {
  void* data;
  std::size_t bytes;
  ElementType type;
  std::vector<int64_t> dims;
};

/// What a tensor holds; `data` points into the memory that it lies in. Throws CodedError ERR_MODEL_UNSUPPORTED for strings, sequences and the like.
TensorView viewTensor(const Library& library, OrtValue* value);

}  // namespace onnx_cam
