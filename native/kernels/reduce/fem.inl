#include "kernels/reduce/row_sums.inl"

/// Σ (x − centre)².
static inline double squaredDeviations(const float* row, std::size_t count, float centre) {
  const Lanes centres = broadcast(centre);
  const auto lanes = [row, centres](std::size_t i) __attribute__((always_inline)) {
    const Lanes deviation = load(row + i) - centres;
    return deviation * deviation;
  };
  const auto single = [row, centre](std::size_t i)
                          __attribute__((always_inline)) { return (row[i] - centre) * (row[i] - centre); };
  return sumOver(count, lanes, single);
}

/// The largest float that is not above `threshold`: floats exceed the one exactly when they exceed the other.
static inline float floatUpTo(double threshold) {
  const float rounded = static_cast<float>(threshold);
  std::int32_t bits = 0;
  std::memcpy(&bits, &rounded, sizeof bits);
  // One step down: towards 0 for positive floats, away from it for negative ones; what rounds up to 0 is negative.
  const std::int32_t below = rounded == 0 ? INT32_MIN + 1 : bits + (bits < 0 ? 1 : -1);
  bits = rounded > threshold ? below : bits;
  float limit = 0;
  std::memcpy(&limit, &bits, sizeof limit);
  return limit;
}

static inline std::size_t countAbove(const float* row, std::size_t count, float limit) {
  // A comparison is −1 in every lane where it holds.
  IntLanes minus{};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) minus += load(row + i) > broadcast(limit);
  std::size_t above = 0;
  for (std::size_t j = 0; j < kLanes; j++) above += static_cast<std::size_t>(-minus[j]);
  for (; i < count; i++) above += row[i] > limit;
  return above;
}

// Channels whose passes run side by side: one channel's mean, deviation and count wait for one another.
inline constexpr std::size_t kGroup = 16;

static void femGroup(double k, const float* rows, std::size_t count, std::size_t positions, float* weights) {
  const double size = static_cast<double>(positions);
  double means[kGroup], thresholds[kGroup];
  float limits[kGroup];
  for (std::size_t c = 0; c < count; c++) means[c] = rowSum(rows + c * positions, positions) / size;
  for (std::size_t c = 0; c < count; c++) {
    const float centre = static_cast<float>(means[c]);
    const double shift = means[c] - centre;
    const double variance = squaredDeviations(rows + c * positions, positions, centre) / size - shift * shift;
    // Below float rounding of the mean there is no deviation, only noise: in a constant channel nothing stands out.
    const bool constant = variance <= 1e-12 * means[c] * means[c];
    thresholds[c] = constant ? __builtin_inf() : means[c] + k * __builtin_sqrt(variance);
  }
  for (std::size_t c = 0; c < count; c++) limits[c] = floatUpTo(thresholds[c]);
  for (std::size_t c = 0; c < count; c++) {
    const double share = static_cast<double>(countAbove(rows + c * positions, positions, limits[c])) / size;
    weights[c] = thresholds[c] != thresholds[c] ? __builtin_nanf("") : static_cast<float>(share);
  }
}

static void femRows(double k, const float* rows, std::size_t count, std::size_t positions, float* weights) {
  for (std::size_t c = 0; c < count; c += kGroup) {
    femGroup(k, rows + c * positions, count - c < kGroup ? count - c : kGroup, positions, weights + c);
  }
}
