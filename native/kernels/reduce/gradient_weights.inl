#include "kernels/reduce/row_sums.inl"

/// plusPlusTerm in float, for S ≥ 0: nothing cancels and no denominator vanishes.
template <PlusPlusMode mode>
static inline __attribute__((always_inline)) Lanes plusPlusTerms(Lanes gradient, Lanes S) {
  const Lanes g = positivePart(gradient);
  if constexpr (mode == PlusPlusMode::torchcam) return g * g * g;
  if constexpr (mode == PlusPlusMode::paper) return g / (S * g + 2.0f);
  return g * g * g / (g * g * (S * g + 2.0f) + 1e-6f);
}

template <PlusPlusMode mode>
static double plusPlusSum(const float* gradients, std::size_t count, double S) {
  if (S >= 0) {
    const Lanes sums = broadcast(static_cast<float>(S));
    const auto lanes = [=](std::size_t i)
                           __attribute__((always_inline)) { return plusPlusTerms<mode>(load(gradients + i), sums); };
    const auto single = [=](std::size_t i)
                            __attribute__((always_inline)) { return plusPlusTerm<mode>(gradients[i], S); };
    return sumOver(count, lanes, single);
  }
  double sum = 0;
  for (std::size_t i = 0; i < count; i++) sum += plusPlusTerm<mode>(gradients[i], S);
  return sum;
}

template <PlusPlusMode mode>
static void plusPlusRows(const float* activations, const float* gradients, bool lazy, std::size_t channels,
                         std::size_t positions, float* weights) {
  for (std::size_t k = 0; k < channels; k++) {
    const double S = mode == PlusPlusMode::torchcam ? 0 : rowSum(activations + k * positions, positions);
    weights[k] = static_cast<float>(lazy ? plusPlusTerm<mode>(gradients[k], S) * static_cast<double>(positions)
                                         : plusPlusSum<mode>(gradients + k * positions, positions, S));
  }
}

static void plusPlusWeights(PlusPlusMode mode, const float* activations, const float* gradients, bool lazy,
                            std::size_t channels, std::size_t positions, float* weights) {
  switch (mode) {
    case PlusPlusMode::paper:
      return plusPlusRows<PlusPlusMode::paper>(activations, gradients, lazy, channels, positions, weights);
    case PlusPlusMode::pgc:
      return plusPlusRows<PlusPlusMode::pgc>(activations, gradients, lazy, channels, positions, weights);
    case PlusPlusMode::torchcam:
      return plusPlusRows<PlusPlusMode::torchcam>(activations, gradients, lazy, channels, positions, weights);
  }
}

static void xgradWeights(double epsilon, bool guard, const float* activations, const float* gradients, bool lazy,
                         std::size_t channels, std::size_t positions, float* weights) {
  for (std::size_t k = 0; k < channels; k++) {
    const float* a = activations + k * positions;
    const double S = rowSum(a, positions);
    const double product = lazy ? gradients[k] * S : rowDot(a, gradients + k * positions, positions);
    weights[k] = static_cast<float>(product / xgradDenominator(S, epsilon, guard));
  }
}
