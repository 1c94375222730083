#include "kernels/base/simd.inl"

// Channels whose terms are added in float before the sum goes into double.
inline constexpr std::size_t kChannelBlock = 16;
// Positions of one call of sumSpan; their double accumulators live on the stack.
inline constexpr std::size_t kSpan = 1024;

template <Term term>
static inline __attribute__((always_inline)) Lanes termOf(Lanes gradient, Lanes activation) {
  if constexpr (term == Term::product) return gradient * activation;
  if constexpr (term == Term::positiveProduct) return positivePart(gradient * activation);
  if constexpr (term == Term::positiveGradient) return positivePart(gradient) * activation;
}

/// Adds the terms of `count` channels at `width` registers of positions, in registers, to `sums`.
template <Term term, bool lazy, std::size_t width>
static inline __attribute__((always_inline)) void addTile(const float* activations, const float* gradients,
                                                          std::size_t positions, std::size_t count, double* sums) {
  Lanes partial[width] = {};
  for (std::size_t k = 0; k < count; k++) {
    const float* a = activations + k * positions;
    const float* g = gradients + k * (lazy ? 1 : positions);
    for (std::size_t j = 0; j < width; j++) {
      const Lanes gradient = lazy ? broadcast(*g) : load(g + j * kLanes);
      partial[j] += termOf<term>(gradient, load(a + j * kLanes));
    }
  }
  float lanes[width * kLanes];
  std::memcpy(lanes, partial, sizeof lanes);
  for (std::size_t i = 0; i < width * kLanes; i++) sums[i] += lanes[i];
}

/// The same, one position at a time, for spans narrower than a register.
template <Term term, bool lazy>
static inline void addSingles(const float* activations, const float* gradients, std::size_t positions,
                              std::size_t count, std::size_t span, double* sums) {
  for (std::size_t k = 0; k < count; k++) {
    for (std::size_t i = 0; i < span; i++) {
      const float a = activations[k * positions + i], g = lazy ? gradients[k] : gradients[k * positions + i];
      sums[i] += productTerm(term, g, a);
    }
  }
}

/// Sums all channels at `span` ≤ kSpan positions in tiles of `width` registers. The last tile ends with the span and so
/// overlaps the one before: both compute the same values there, which is cheaper than a loop over what is left.
template <Term term, bool lazy, std::size_t width>
static void sumTiles(const float* activations, const float* gradients, std::size_t channels, std::size_t positions,
                     std::size_t span, float* map) {
  constexpr std::size_t tile = width * kLanes;
  const std::size_t tiles = (span + tile - 1) / tile;
  double sums[kSpan + tile] = {};
  for (std::size_t k = 0; k < channels; k += kChannelBlock) {
    const std::size_t count = channels - k < kChannelBlock ? channels - k : kChannelBlock;
    const float* a = activations + k * positions;
    const float* g = gradients + k * (lazy ? 1 : positions);
    for (std::size_t t = 0; t < tiles; t++) {
      const std::size_t start = t + 1 < tiles ? t * tile : span - tile;
      addTile<term, lazy, width>(a + start, lazy ? g : g + start, positions, count, sums + t * tile);
    }
  }
  for (std::size_t t = 0; t < tiles; t++) {
    const std::size_t start = t + 1 < tiles ? t * tile : span - tile;
    for (std::size_t i = 0; i < tile; i++) map[start + i] = static_cast<float>(sums[t * tile + i]);
  }
}

template <Term term, bool lazy>
static void sumSpan(const float* activations, const float* gradients, std::size_t channels, std::size_t positions,
                    std::size_t span, float* map) {
  if (span >= 4 * kLanes) {
    sumTiles<term, lazy, 4>(activations, gradients, channels, positions, span, map);
  } else if (span >= 2 * kLanes) {
    sumTiles<term, lazy, 2>(activations, gradients, channels, positions, span, map);
  } else if (span >= kLanes) {
    sumTiles<term, lazy, 1>(activations, gradients, channels, positions, span, map);
  } else {
    double sums[kLanes] = {};
    addSingles<term, lazy>(activations, gradients, positions, channels, span, sums);
    for (std::size_t i = 0; i < span; i++) map[i] = static_cast<float>(sums[i]);
  }
}

template <Term term>
static void sumSpan(bool lazy, const float* activations, const float* gradients, std::size_t channels,
                    std::size_t positions, std::size_t span, float* map) {
  if (lazy) {
    sumSpan<term, true>(activations, gradients, channels, positions, span, map);
  } else {
    sumSpan<term, false>(activations, gradients, channels, positions, span, map);
  }
}

static void sumChannels(Term term, bool lazy, const float* activations, const float* gradients, std::size_t channels,
                        std::size_t positions, std::size_t span, float* map) {
  switch (term) {
    case Term::product:
      return sumSpan<Term::product>(lazy, activations, gradients, channels, positions, span, map);
    case Term::positiveProduct:
      return sumSpan<Term::positiveProduct>(lazy, activations, gradients, channels, positions, span, map);
    case Term::positiveGradient:
      return sumSpan<Term::positiveGradient>(lazy, activations, gradients, channels, positions, span, map);
  }
}
