// The perturbation loop on a device: batches are written, run and read there in one queue, two under way at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/device.hpp"
#include "engine/cancellation.hpp"
#include "scoring/parallel_runs.hpp"
#include "scoring/scoring_model.hpp"
#include "scoring/target_scores.hpp"
#include "scoring/variants.hpp"

namespace onnx_cam {

/// As scoreVariants, taking its work from `chunks` (ranges from 0 on, items from `begin` on).
void scoreOnDevice(Device& device, const Variants& variants, std::size_t begin, const ScoringModel& model,
                   const TargetScores& targets, Chunks& chunks, Cancellation& cancellation, int32_t* progress,
                   double* out);

}  // namespace onnx_cam
