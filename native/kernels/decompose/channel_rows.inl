#include "kernels/reduce/row_sums.inl"

/// row[i] = source[i] · factor, or as it is without factors.
static inline void scaledRow(const float* source, const float* factors, bool lazy, std::size_t count, float* row) {
  if (factors == nullptr) {
    std::memcpy(row, source, count * sizeof(float));
  } else if (lazy) {
    for (std::size_t i = 0; i < count; i++) row[i] = source[i] * *factors;
  } else {
    for (std::size_t i = 0; i < count; i++) row[i] = source[i] * factors[i];
  }
}

/// row[i] −= mean, the mean kept in two floats: what remains is as exact as in double.
static inline void centreRow(std::size_t count, float* row) {
  const double mean = rowSum(row, count) / static_cast<double>(count);
  const float high = static_cast<float>(mean), low = static_cast<float>(mean - high);
  for (std::size_t i = 0; i < count; i++) row[i] = (row[i] - high) - low;
}

static void fillRows(const float* activations, const float* factors, bool lazy, bool centre, std::size_t channels,
                     std::size_t positions, std::size_t stride, float* rows) {
  for (std::size_t k = 0; k < channels; k++) {
    const float* factor = factors == nullptr ? nullptr : factors + k * (lazy ? 1 : positions);
    scaledRow(activations + k * positions, factor, lazy, positions, rows + k * stride);
    if (centre) centreRow(positions, rows + k * stride);
  }
}
