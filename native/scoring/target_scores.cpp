#include "scoring/target_scores.hpp"

#include <optional>
#include <string>

#include "kernels/reduce/log_sum_exp.hpp"
#include "runtime/error.hpp"

namespace onnx_cam {

void TargetScores::check(std::size_t classes) const {
  for (const auto& terms : targets) {
    for (const ScoreTerm& term : terms) {
      if (term.index < classes) continue;
      throw CodedError("ERR_RUNTIME", "the model gave " + std::to_string(classes) +
                                          " values per image where a target reads value " + std::to_string(term.index));
    }
  }
}

void TargetScores::read(const float* logits, std::size_t classes, double* out) const {
  std::optional<double> total;  // log Σ exp z, when a term asks for it.
  const auto logProbability = [&](double z) {
    if (sigmoid) return logSigmoid(z);
    if (!total) total = kernels::logSumExp(logits, classes);
    return z - *total;
  };
  for (std::size_t t = 0; t < targets.size(); t++) {
    double score = 0;
    for (const ScoreTerm& term : targets[t]) {
      const double z = term.logit(logits[term.index]);
      score += term.weight * viewOf(term.view, z, needsProbability(term.view) ? logProbability(z) : 0);
    }
    out[t] = score;
  }
}

}  // namespace onnx_cam
