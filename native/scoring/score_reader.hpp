// The scores of a batch of logits that lie in a device's memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/device.hpp"
#include "scoring/target_scores.hpp"

namespace onnx_cam {

class ScoreReader {
 public:
  ScoreReader(Device& device, const TargetScores& targets, std::size_t capacity);

  std::size_t columns() const { return targets_.targets.size(); }

  /// Queues reading the scores [count, targets] of logits [count, classes] into staging memory. Everything queued by an
  /// earlier call has been waited for, or does not matter any more. Throws CodedError as TargetScores::check does.
  void read(const float* logits, std::size_t count, std::size_t classes, double* staging);

 private:
  Device& device_;
  const TargetScores& targets_;
#ifdef ONNX_CAM_CUDA
  DeviceArray<ScoreTerm> terms_;
  DeviceArray<uint32_t> starts_;
  DeviceArray<double> scores_;
#endif
};

}  // namespace onnx_cam
