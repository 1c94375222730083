// What a perturbation loop runs, in which portions, and what it found out about them.
#pragma once

#include <onnxruntime_c_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/session.hpp"

namespace onnx_cam {

/// An input that every run gets, besides the variants.
struct FixedInput {
  std::string name;
  void* data;
  std::size_t bytes;
  ONNXTensorElementDataType type;
  std::vector<int64_t> dims;
  /// Holds one image's value, dims[0] = 1, which is repeated for every item of a batch.
  bool repeated;
};

/// A model that takes variants [n, …itemDims] (float32) and gives logits [n, classes] (float32).
struct ScoringModel {
  std::shared_ptr<Session> session;
  std::string input;
  std::string output;
  std::vector<int64_t> itemDims;
  std::vector<FixedInput> fixed;
  /// Items that every run takes; 0 for any number.
  std::size_t batch = 0;

  /// Items of a run that `used` are wanted of: a smaller batch is filled up.
  std::size_t itemsFor(std::size_t used) const { return batch != 0 ? batch : used; }
};

struct ScoringSchedule {
  /// Items per run, and runs at once; memory is bounded by their product.
  std::size_t chunk = 4;
  std::size_t parallel = 1;
};

struct ScoringOutcome {
  /// Items per run at the end: less than the schedule's where the device's memory did not suffice for that many.
  std::size_t chunk;
};

}  // namespace onnx_cam
