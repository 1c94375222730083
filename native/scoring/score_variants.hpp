// The loop of every perturbation method: write a batch of variants, run the model, keep the targets' scores.
#pragma once

#include <onnxruntime_c_api.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/cancellation.hpp"
#include "engine/session.hpp"
#include "scoring/target_scores.hpp"
#include "scoring/variants.hpp"

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

/// Scores of items [begin, end): out [(end − begin), targets]. Blocks until done. On the CPU runs go side by side, on this
/// thread and on threads of RunQueue::runs(); on a device (session.device()) one after the other, two under way, with
/// batches that stay there. `progress` (may be null) counts the items done. Ends within a batch when `cancellation` is
/// raised. A batch that runs out of memory is halved, and so are those after it.
/// Throws CodedError: what the model's run throws, ERR_RUNTIME when its output isn't one float row per item.
ScoringOutcome scoreVariants(const Variants& variants, std::size_t begin, std::size_t end, const ScoringModel& model,
                             const TargetScores& targets, const ScoringSchedule& schedule, Cancellation& cancellation,
                             int32_t* progress, double* out);

}  // namespace onnx_cam
