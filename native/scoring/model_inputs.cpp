#include "scoring/model_inputs.hpp"

#include <cstring>
#include <string>

#include "runtime/error.hpp"

namespace onnx_cam {

std::vector<int64_t> batchDims(const ScoringModel& model, std::size_t count) {
  std::vector<int64_t> dims{static_cast<int64_t>(count)};
  dims.insert(dims.end(), model.itemDims.begin(), model.itemDims.end());
  return dims;
}

std::vector<int64_t> fixedDims(const FixedInput& input, std::size_t count) {
  std::vector<int64_t> dims = input.dims;
  if (input.repeated) dims[0] = static_cast<int64_t>(count);
  return dims;
}

std::vector<char> fixedBytes(const FixedInput& input, std::size_t capacity) {
  const std::size_t copies = input.repeated ? capacity : 1;
  std::vector<char> bytes(copies * input.bytes);
  for (std::size_t i = 0; input.bytes > 0 && i < copies; i++) {
    std::memcpy(&bytes[i * input.bytes], input.data, input.bytes);
  }
  return bytes;
}

std::size_t classesOf(const TensorView& logits, std::size_t count) {
  const std::size_t classes = logits.bytes / sizeof(float) / count;
  if (logits.type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT || classes * count * sizeof(float) != logits.bytes ||
      logits.dims.empty() || logits.dims[0] != static_cast<int64_t>(count)) {
    throw CodedError("ERR_RUNTIME", "the model did not give one float32 row for each of " + std::to_string(count) +
                                        " images in a batch; try batchSize 1");
  }
  return classes;
}

}  // namespace onnx_cam
