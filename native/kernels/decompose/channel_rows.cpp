#include "kernels/decompose/channel_rows.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/base/tier.hpp"
#include "kernels/decompose/gram.hpp"

namespace onnx_cam::kernels {

namespace {

#define ONNX_CAM_KERNEL "kernels/decompose/channel_rows.inl"
#include "kernels/base/each_tier.inl"

}  // namespace

std::vector<float> channelRows(const float* activations, const float* factors, bool lazy, bool centre,
                               std::size_t channels, std::size_t positions) {
  const std::size_t stride = gramStride(positions);
  std::vector<float> rows(channels * stride);
  ONNX_CAM_DISPATCH(fillRows)(activations, factors, lazy, centre, channels, positions, stride, rows.data());
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
