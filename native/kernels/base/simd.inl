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

/// The lower half of a vector plus its upper half.
template <typename Half, typename Whole>
static inline __attribute__((always_inline)) Half halvesAdded(Whole value) {
  static_assert(sizeof(Whole) == 2 * sizeof(Half));
  Half halves[2];
  std::memcpy(halves, &value, sizeof value);
  return halves[0] + halves[1];
}

/// Sum of the lanes, pairwise.
static inline __attribute__((always_inline)) float horizontalSum(Lanes value) {
  typedef float Four __attribute__((vector_size(4 * sizeof(float))));
#if ONNX_CAM_LANES >= 16
  typedef float Eight __attribute__((vector_size(8 * sizeof(float))));
  const Four four = halvesAdded<Four>(halvesAdded<Eight>(value));
#elif ONNX_CAM_LANES >= 8
  const Four four = halvesAdded<Four>(value);
#else
  const Four four = value;
#endif
  return (four[0] + four[2]) + (four[1] + four[3]);
}
