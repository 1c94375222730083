// The formulas of single values, shared by the loops of the CPU and the kernels of the GPU: what tests of the one show
// about a formula holds for the other.
#pragma once

#include <cstddef>

#include "kernels/channel_sum.hpp"
#include "kernels/gradient_weights.hpp"
#include "kernels/mask_view.hpp"

#ifdef __CUDACC__
#define ONNX_CAM_HD __host__ __device__
#else
#define ONNX_CAM_HD
#endif

namespace onnx_cam::kernels {

/// Between two values, `weight` of the way from `low` to `high`.
ONNX_CAM_HD inline float blend(float low, float high, float weight) { return (1 - weight) * low + weight * high; }

/// Where the centre of target sample `target` lies among `from` source samples, not clamped.
ONNX_CAM_HD inline double halfPixelSource(std::size_t target, std::size_t from, std::size_t to) {
  return (static_cast<double>(target) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
}

/// The same where the first and last samples of both fall together.
ONNX_CAM_HD inline double alignedSource(std::size_t target, std::size_t from, std::size_t to) {
  return to == 1 ? 0.0 : static_cast<double>(target) * static_cast<double>(from - 1) / static_cast<double>(to - 1);
}

/// The source sample whose cell holds the centre of a target sample.
ONNX_CAM_HD inline std::size_t nearestSource(std::size_t target, std::size_t from, std::size_t to) {
  const double at = (static_cast<double>(target) + 0.5) * static_cast<double>(from) / static_cast<double>(to);
  const std::size_t sample = static_cast<std::size_t>(at);
  return sample < from ? sample : from - 1;
}

/// Keys' cubic kernel with a = −0.75, at distance |x| ≤ 1 and 1 ≤ |x| ≤ 2.
ONNX_CAM_HD inline double cubicNear(double x) { return ((-0.75 + 2) * x - (-0.75 + 3)) * x * x + 1; }
ONNX_CAM_HD inline double cubicFar(double x) { return ((-0.75 * x + 5 * 0.75) * x - 8 * 0.75) * x + 4 * 0.75; }

/// How a mask is made of an upsampled map whose values lie in base + [low, low + range]. A constant map becomes zeros.
ONNX_CAM_HD inline MaskStretching maskStretching(const MaskRule& rule, float base, float low, float range,
                                                 float scale) {
  float factor = scale;
  if (rule.stretch != MaskStretch::none) factor = range == 0 ? 0 : scale / (range + rule.epsilon);
  return {base, low, rule.complement ? -factor : factor, rule.complement ? 1.0f : 0.0f};
}

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
