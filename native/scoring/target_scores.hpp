// From a row of logits to the scores of several targets.
#pragma once

#include <cstddef>
#include <vector>

#include "scoring/score_view.hpp"

namespace onnx_cam {

struct TargetScores {
  /// One sum of terms per target.
  std::vector<std::vector<ScoreTerm>> targets;
  /// Probabilities are sigmoids of their own logit instead of a softmax over all.
  bool sigmoid = false;

  /// Throws CodedError ERR_RUNTIME when a term lies outside a row of so many logits.
  void check(std::size_t classes) const;
  /// The scores of one row that was checked, in double precision.
  void read(const float* logits, std::size_t classes, double* out) const;
};

}  // namespace onnx_cam
