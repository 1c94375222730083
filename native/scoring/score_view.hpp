// What a target reads of a row of logits, for the CPU and the GPU.
#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/base/host_device.hpp"

namespace onnx_cam {

/// A function of the logits z (lib/targets/target.ts, ScoreView).
///   logit z · probability softmax z, or sigmoid z · logProbability log of it · rest z + log p
enum class ScoreView { logit, probability, logProbability, rest };

/// weight · view(logits)[index]; `opposite`: the view of −z, of a single sigmoid's other category.
struct ScoreTerm {
  ScoreView view;
  std::size_t index;
  double weight;
  bool opposite = false;

  ONNX_CAM_HD double logit(double z) const { return opposite ? -z : z; }
};

ONNX_CAM_HD inline bool needsProbability(ScoreView view) { return view != ScoreView::logit; }

/// Of the two forms the one whose exponential cannot overflow.
ONNX_CAM_HD inline double logSigmoid(double z) { return z < 0 ? z - ::log1p(::exp(z)) : -::log1p(::exp(-z)); }

/// The view of one logit from it and the logarithm of its probability.
ONNX_CAM_HD inline double viewOf(ScoreView view, double z, double logProbability) {
  switch (view) {
    case ScoreView::logit:
      return z;
    case ScoreView::probability:
      return ::exp(logProbability);
    case ScoreView::logProbability:
      return logProbability;
    default:
      return z + logProbability;
  }
}

}  // namespace onnx_cam
