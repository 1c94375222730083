#include "kernels/channel_rows.hpp"

#include <algorithm>

#include "kernels/gram.hpp"

namespace onnx_cam::kernels {

std::vector<float> channelRows(const float* activations, const float* factors, bool lazy, bool centre,
                               std::size_t channels, std::size_t positions) {
  const std::size_t stride = gramStride(positions);
  std::vector<float> rows(channels * stride);
  for (std::size_t k = 0; k < channels; k++) {
    const float* source = activations + k * positions;
    float* row = &rows[k * stride];
    if (factors == nullptr) {
      std::copy(source, source + positions, row);
    } else if (lazy) {
      for (std::size_t i = 0; i < positions; i++) row[i] = source[i] * factors[k];
    } else {
      for (std::size_t i = 0; i < positions; i++) row[i] = source[i] * factors[k * positions + i];
    }
    if (!centre) continue;
    constexpr std::size_t kWidth = 8;
    double sums[kWidth] = {};
    std::size_t i = 0;
    for (; i + kWidth <= positions; i += kWidth) {
      for (std::size_t j = 0; j < kWidth; j++) sums[j] += row[i + j];
    }
    double sum = 0;
    for (; i < positions; i++) sum += row[i];
    for (std::size_t j = 0; j < kWidth; j++) sum += sums[j];
    const double mean = sum / static_cast<double>(positions);
    for (i = 0; i < positions; i++) row[i] = static_cast<float>(row[i] - mean);
  }
  return rows;
}

std::vector<float> transposedRows(const std::vector<float>& rows, std::size_t channels, std::size_t positions) {
  constexpr std::size_t kTile = 16;
  const std::size_t from = gramStride(positions), to = gramStride(channels);
  std::vector<float> result(positions * to);
  for (std::size_t k = 0; k < channels; k += kTile) {
    for (std::size_t i = 0; i < positions; i++) {
      const std::size_t end = std::min(channels, k + kTile);
      for (std::size_t c = k; c < end; c++) result[i * to + c] = rows[c * from + i];
    }
  }
  return result;
}

}  // namespace onnx_cam::kernels
