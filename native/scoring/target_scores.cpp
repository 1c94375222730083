#include "scoring/target_scores.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "engine/error.hpp"

namespace onnx_cam {

namespace {

double logSumExp(const float* logits, std::size_t classes) {
  double max = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < classes; i++) {
    if (std::isnan(logits[i])) return std::numeric_limits<double>::quiet_NaN();
    max = std::max(max, static_cast<double>(logits[i]));
  }
  double sum = 0;
  for (std::size_t i = 0; i < classes; i++) sum += std::exp(static_cast<double>(logits[i]) - max);
  return max + std::log(sum);
}

}  // namespace

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
    if (!total) total = logSumExp(logits, classes);
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
