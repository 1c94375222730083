#include "kernels/decompose/gram.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/base/tier.hpp"

namespace onnx_cam::kernels {
namespace {

#define ONNX_CAM_KERNEL "kernels/decompose/gram.inl"
#include "kernels/base/each_tier.inl"

// Rows of K that stay in the cache while X passes by; a multiple of every tier's tile.
constexpr std::size_t kBand = 32;
// Rows of X between two looks at the interruption; a multiple of the rows whose products are added in float.
constexpr std::size_t kRowsPerLook = 1024;

}  // namespace

void gramMatrix(const float* matrix, std::size_t rows, std::size_t columns, double* gram) {
  const auto gramRows = ONNX_CAM_DISPATCH(gramRows);
  const std::size_t stride = gramStride(columns);
  std::fill(gram, gram + columns * columns, 0.0);
  const std::size_t bands = (columns + kBand - 1) / kBand;
  // Eight multiplications count as one operation: they come in registers.
  parallelFor(bands, grainFor(rows * columns * kBand / 8), [=](std::size_t begin, std::size_t end) {
    for (std::size_t band = begin; band < end; band++) {
      for (std::size_t row = 0; row < rows; row += kRowsPerLook) {
        checkInterruption();
        gramRows(matrix + row * stride, std::min(kRowsPerLook, rows - row), stride, columns, band * kBand,
                 std::min(columns, (band + 1) * kBand), gram);
      }
    }
  });
  for (std::size_t i = 0; i < columns; i++) {
    for (std::size_t j = 0; j < i; j++) gram[i * columns + j] = gram[j * columns + i];
  }
}

}  // namespace onnx_cam::kernels
