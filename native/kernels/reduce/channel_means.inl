#include "kernels/reduce/row_sums.inl"

static void meansOfRows(const float* rows, std::size_t count, std::size_t positions, float* means) {
  for (std::size_t k = 0; k < count; k++) {
    means[k] = static_cast<float>(rowSum(rows + k * positions, positions) / static_cast<double>(positions));
  }
}
