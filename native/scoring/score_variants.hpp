// The loop of every perturbation method: write a batch of variants, run the model, keep the targets' scores.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/cancellation.hpp"
#include "scoring/scoring_model.hpp"
#include "scoring/target_scores.hpp"
#include "scoring/variants.hpp"

namespace onnx_cam {

/// Scores of items [begin, end): out [(end − begin), targets]. Blocks until done. On the CPU runs go side by side, on this
/// thread and on threads of RunQueue::runs(); on a device (session.device()) one after the other, two under way, with
/// batches that stay there. `progress` (may be null) counts the items done. Ends within a batch when `cancellation` is
/// raised. A batch that runs out of memory is halved, and so are those after it.
/// Throws CodedError: what the model's run throws, ERR_RUNTIME when its output isn't one float row per item.
ScoringOutcome scoreVariants(const Variants& variants, std::size_t begin, std::size_t end, const ScoringModel& model,
                             const TargetScores& targets, const ScoringSchedule& schedule, Cancellation& cancellation,
                             int32_t* progress, double* out);

}  // namespace onnx_cam
