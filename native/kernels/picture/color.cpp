#include "kernels/picture/color.hpp"

#include <cmath>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

constexpr std::size_t kOperationsPerPixel = 16;

std::size_t colorIndex(float value) {
  if (!(value > 0)) return 0;
  return value >= 1 ? 255 : static_cast<std::size_t>(255.0f * value);
}

}  // namespace

void colorizeMap(const float* map, std::size_t count, const std::uint8_t* table, std::uint8_t* out) {
  parallelFor(count, grainFor(kOperationsPerPixel), [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      const std::uint8_t* color = table + 3 * colorIndex(map[i]);
      for (std::size_t c = 0; c < 3; c++) out[3 * i + c] = color[c];
    }
  });
}

void overlayMap(const std::uint8_t* picture, const float* map, std::size_t count, const std::uint8_t* table,
                double alpha, std::uint8_t* out) {
  constexpr std::uint32_t kOne = 1 << 16;
  const std::uint32_t heat = static_cast<std::uint32_t>(std::lround(alpha * kOne)), rest = kOne - heat;
  parallelFor(count, grainFor(kOperationsPerPixel), [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      const std::uint8_t* color = table + 3 * colorIndex(map[i]);
      for (std::size_t c = 0; c < 3; c++) {
        out[3 * i + c] = static_cast<std::uint8_t>((rest * picture[3 * i + c] + heat * color[c] + kOne / 2) >> 16);
      }
    }
  });
}

}  // namespace onnx_cam::kernels
