// Sums over the positions of one channel. Lanes add up in float over at most kBlock additions each, then pairwise, then
// blocks in double: the error stays near 1e-7 of Σ|term| for any length.

#include "kernels/base/simd.inl"

inline constexpr std::size_t kBlock = 32;

/// Σ_i term(i): `lanes(i)` gives terms i … i + kLanes − 1, `single(i)` one.
template <class LanesTerm, class SingleTerm>
static inline __attribute__((always_inline)) double sumOver(std::size_t count, LanesTerm lanes, SingleTerm single) {
  double sum = 0;
  std::size_t i = 0;
  while (i + kLanes <= count) {
    std::size_t steps = (count - i) / kLanes;
    if (steps > kBlock) steps = kBlock;
    Lanes even{}, odd{};
    std::size_t step = 0;
    for (; step + 2 <= steps; step += 2, i += 2 * kLanes) {
      even += lanes(i);
      odd += lanes(i + kLanes);
    }
    if (step < steps) {
      even += lanes(i);
      i += kLanes;
    }
    sum += horizontalSum(even + odd);
  }
  for (; i < count; i++) sum += single(i);
  return sum;
}

static inline double rowSum(const float* row, std::size_t count) {
  return sumOver(
      count, [row](std::size_t i) __attribute__((always_inline)) { return load(row + i); },
      [row](std::size_t i) __attribute__((always_inline)) { return row[i]; });
}

static inline double rowDot(const float* a, const float* b, std::size_t count) {
  return sumOver(
      count, [a, b](std::size_t i) __attribute__((always_inline)) { return load(a + i) * load(b + i); },
      [a, b](std::size_t i) __attribute__((always_inline)) { return a[i] * b[i]; });
}
