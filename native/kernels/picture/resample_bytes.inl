// Rows of 8-bit pixels in the tier at hand. Sums are int32 in fixed point, so that all tiers give the same bytes.

/// One pixel of a row of RGB pixels: Σ_j weights[j] · pixel j + ½, for each channel. `paired` holds for each two pixels their
/// weights as {a, a, a, 0, b, b, b, 0}; `readable`: bytes that may be read from `source` on, at least 3 · count.
static inline __attribute__((always_inline)) void weighRgb(const std::uint8_t* source,
                                                           [[maybe_unused]] std::size_t readable,
                                                           const std::int32_t* weights,
                                                           [[maybe_unused]] const std::int32_t* paired,
                                                           std::size_t count, std::int32_t* sums) {
  std::size_t j = 0;
  std::int32_t red = kHalf, green = kHalf, blue = kHalf;
#if ONNX_CAM_LANES >= 8
  // The six bytes of two pixels are read as eight and spread over the halves of a register.
  const __m128i spread = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  __m256i both = _mm256_setzero_si256();
  for (; j + 2 <= count && 3 * j + 8 <= readable; j += 2) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(source + 3 * j));
    const __m256i values = _mm256_cvtepu8_epi32(_mm_shuffle_epi8(bytes, spread));
    const __m256i weight = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(paired + 4 * j));
    both = _mm256_add_epi32(both, _mm256_mullo_epi32(values, weight));
  }
  const __m128i half = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  red += _mm_extract_epi32(half, 0);
  green += _mm_extract_epi32(half, 1);
  blue += _mm_extract_epi32(half, 2);
#endif
  for (; j < count; j++) {
    red += weights[j] * static_cast<std::int32_t>(source[3 * j]);
    green += weights[j] * static_cast<std::int32_t>(source[3 * j + 1]);
    blue += weights[j] * static_cast<std::int32_t>(source[3 * j + 2]);
  }
  sums[0] = red;
  sums[1] = green;
  sums[2] = blue;
}

/// `pixels` target pixels of a row; pixel x weighs `count[x]` source pixels from `first[x]` on, with the weights from
/// `limit` · x on (`paired` as above, from 4 · `limit` · x on). `readable`: bytes that may be read from `row` on.
static void resampleRgbRow(const std::uint8_t* row, std::size_t readable, const std::size_t* first,
                           const std::size_t* count, const std::int32_t* weights, const std::int32_t* paired,
                           std::size_t limit, std::size_t pixels, std::uint8_t* out) {
  for (std::size_t x = 0; x < pixels; x++) {
    std::int32_t sums[3];
    const std::size_t offset = 3 * first[x];
    weighRgb(row + offset, readable - offset, weights + x * limit, paired + 4 * x * limit, count[x], sums);
    for (std::size_t c = 0; c < 3; c++) out[3 * x + c] = toByte(sums[c]);
  }
}

/// sums += weight · row
static void addWeighted(const std::uint8_t* row, std::int32_t weight, std::size_t length, std::int32_t* sums) {
  for (std::size_t i = 0; i < length; i++) sums[i] += weight * static_cast<std::int32_t>(row[i]);
}

static void toBytes(const std::int32_t* sums, std::size_t length, std::uint8_t* out) {
  for (std::size_t i = 0; i < length; i++) out[i] = toByte(sums[i]);
}
