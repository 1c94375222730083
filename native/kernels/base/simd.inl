// One register of floats in the tier at hand, in the compilers' vector extension: the same text becomes SSE2, NEON,
// AVX2 or AVX-512. Include inside a tier's region only (it has no include guard on purpose).

typedef float Lanes __attribute__((vector_size(ONNX_CAM_LANES * sizeof(float))));

typedef std::int32_t IntLanes __attribute__((vector_size(ONNX_CAM_LANES * sizeof(std::int32_t))));

inline constexpr std::size_t kLanes = ONNX_CAM_LANES;

static inline __attribute__((always_inline)) Lanes load(const float* from) {
  Lanes value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

static inline __attribute__((always_inline)) void store(float* to, Lanes value) {
  std::memcpy(to, &value, sizeof value);
}

static inline __attribute__((always_inline)) Lanes broadcast(float value) { return Lanes{} + value; }

/// max(value, 0) that keeps NaN.
static inline __attribute__((always_inline)) Lanes positivePart(Lanes value) {
  return value < Lanes{} ? Lanes{} : value;
}

/// Sum of the lanes, pairwise.
static inline __attribute__((always_inline)) float horizontalSum(Lanes value) {
#if ONNX_CAM_LANES >= 16
  const auto eight = __builtin_shufflevector(value, value, 0, 1, 2, 3, 4, 5, 6, 7) +
                     __builtin_shufflevector(value, value, 8, 9, 10, 11, 12, 13, 14, 15);
#else
  const auto eight = value;
#endif
#if ONNX_CAM_LANES >= 8
  const auto four =
      __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
#else
  const auto four = eight;
#endif
  const auto two = four + __builtin_shufflevector(four, four, 2, 3, 2, 3);
  return two[0] + two[1];
}
