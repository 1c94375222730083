// What a scoring model is fed and what it answers, wherever the tensors lie.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/value.hpp"
#include "scoring/scoring_model.hpp"

namespace onnx_cam {

/// [count, …itemDims].
std::vector<int64_t> batchDims(const ScoringModel& model, std::size_t count);
/// Dims of a fixed input in a batch of `count`.
std::vector<int64_t> fixedDims(const FixedInput& input, std::size_t count);
/// The bytes of a fixed input for batches of up to `capacity`.
std::vector<char> fixedBytes(const FixedInput& input, std::size_t capacity);

/// Classes of the logits [count, classes]. Throws CodedError ERR_RUNTIME for anything else.
std::size_t classesOf(const TensorView& logits, std::size_t count);

}  // namespace onnx_cam
