// Single terms of the sums over channels and positions.
#pragma once

#include "kernels/base/host_device.hpp"
#include "kernels/reduce/channel_sum.hpp"
#include "kernels/reduce/gradient_weights.hpp"

namespace onnx_cam::kernels {

/// max(value, 0) that keeps NaN.
ONNX_CAM_HD inline float positivePart(float value) { return value < 0 ? 0 : value; }

/// One term of a sum over channels.
ONNX_CAM_HD inline float productTerm(Term term, float gradient, float activation) {
  if (term == Term::positiveGradient) return positivePart(gradient) * activation;
  const float product = gradient * activation;
  return term == Term::positiveProduct ? positivePart(product) : product;
}

/// One term of Grad-CAM++'s sum; `S` is the channel's activation sum. A vanishing denominator gives 0.
template <PlusPlusMode mode>
ONNX_CAM_HD inline double plusPlusTerm(double gradient, double S) {
  const double g = gradient < 0 ? 0 : gradient;
  if constexpr (mode == PlusPlusMode::torchcam) return g * g * g;
  const double denominator = mode == PlusPlusMode::paper ? 2 + S * g : 2 * g * g + S * g * g * g + 1e-6;
  const double numerator = mode == PlusPlusMode::paper ? g : g * g * g;
  const double size = denominator < 0 ? -denominator : denominator;
  return size < 1e-12 ? 0 : numerator / denominator;
}

/// XGrad-CAM's denominator for an activation sum S.
ONNX_CAM_HD inline double xgradDenominator(double S, double epsilon, bool guard) {
  if (!guard) return S + epsilon;
  if (S >= 0 && S < epsilon) return epsilon;
  if (S < 0 && S > -epsilon) return -epsilon;
  return S;
}

}  // namespace onnx_cam::kernels
