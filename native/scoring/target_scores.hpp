// From a row of logits to the scores of several targets.
#pragma once

#include <cstddef>
#include <vector>

namespace onnx_cam {

/// A function of the logits z (lib/targets/target.ts, ScoreView).
///   logit z · probability softmax z, or sigmoid z · logProbability log of it · rest z + log p
enum class ScoreView { logit, probability, logProbability, rest };

/// weight · view(logits)[index].
struct ScoreTerm {
  ScoreView view;
  std::size_t index;
  double weight;
};

struct TargetScores {
  /// One sum of terms per target.
  std::vector<std::vector<ScoreTerm>> targets;
  /// Probabilities are sigmoids of their own logit instead of a softmax over all.
  bool sigmoid = false;

  /// The scores of one run, in double precision. Throws CodedError ERR_RUNTIME when a term lies outside the row.
  void read(const float* logits, std::size_t classes, double* out) const;
};

}  // namespace onnx_cam
