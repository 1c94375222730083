#include "kernels/row_sums.inl"

/// Σ (x − centre)².
static inline double squaredDeviations(const float* row, std::size_t count, float centre) {
  const Lanes centres = broadcast(centre);
  const auto lanes = [row, centres](std::size_t i) __attribute__((always_inline)) {
    const Lanes deviation = load(row + i) - centres;
    return deviation * deviation;
  };
  const auto single = [row, centre](std::size_t i) __attribute__((always_inline)) {
    return (row[i] - centre) * (row[i] - centre);
  };
  return sumOver(count, lanes, single);
}

static void femRows(double k, const float* rows, std::size_t count, std::size_t positions, float* weights) {
  const double size = static_cast<double>(positions);
  for (std::size_t channel = 0; channel < count; channel++) {
    const float* row = rows + channel * positions;
    const double mean = rowSum(row, positions) / size;
    const float centre = static_cast<float>(mean);
    const double shift = mean - centre;
    double variance = squaredDeviations(row, positions, centre) / size - shift * shift;
    // Below float rounding of the mean there is no deviation, only noise: the channel is constant.
    if (variance <= 1e-12 * mean * mean) {
      weights[channel] = 0;
      continue;
    }
    const double threshold = mean + k * __builtin_sqrt(variance);
    // The largest float that is not above the threshold: a float exceeds one exactly when it exceeds the other.
    float limit = static_cast<float>(threshold);
    if (limit > threshold) limit = __builtin_nextafterf(limit, -__builtin_inff());
    std::size_t above = 0;
    for (std::size_t i = 0; i < positions; i++) above += row[i] > limit;
    weights[channel] = threshold != threshold ? __builtin_nanf("") : static_cast<float>(static_cast<double>(above) / size);
  }
}
