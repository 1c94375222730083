#include "kernels/principal_component.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/channel_rows.hpp"
#include "kernels/gram.hpp"
#include "kernels/leading_eigenpair.hpp"
#include "kernels/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

/// M = X v₁ in double; empty when X is not finite.
std::vector<double> projection(const float* activations, const float* factors, bool lazy, bool centre,
                               std::size_t channels, std::size_t positions) {
  std::vector<float> matrix = channelRows(activations, factors, lazy, centre, channels, positions);
  const bool byPosition = positions <= channels;
  if (!byPosition) matrix = transposedRows(matrix, channels, positions);
  const std::size_t rows = byPosition ? channels : positions, columns = byPosition ? positions : channels;
  std::vector<double> gram(columns * columns);
  gramMatrix(matrix.data(), rows, columns, gram.data());
  // A sum of squares is finite only if every entry of X is (and their squares don't overflow).
  double trace = 0;
  for (std::size_t i = 0; i < columns; i++) trace += gram[i * columns + i];
  if (!std::isfinite(trace)) return {};
  std::vector<double> map(positions, 0.0);
  if (trace == 0) return map;
  const Eigenpair pair = leadingEigenpair(gram.data(), columns);
  if (byPosition) {
    const double sigma = std::sqrt(std::max(pair.value, 0.0));
    for (std::size_t i = 0; i < positions; i++) map[i] = sigma * pair.vector[i];
  } else {
    const std::size_t stride = gramStride(channels);
    for (std::size_t i = 0; i < positions; i++) {
      // Independent sums, which the compiler can keep in a register.
      constexpr std::size_t kWidth = 8;
      double sums[kWidth] = {};
      const float* row = &matrix[i * stride];
      std::size_t k = 0;
      for (; k + kWidth <= channels; k += kWidth) {
        for (std::size_t j = 0; j < kWidth; j++) sums[j] += row[k + j] * pair.vector[k + j];
      }
      for (; k < channels; k++) sums[0] += row[k] * pair.vector[k];
      for (const double sum : sums) map[i] += sum;
    }
  }
  return map;
}

bool isUpsideDown(const std::vector<double>& map, SignRule sign, const float* activations, std::size_t channels) {
  const std::size_t positions = map.size();
  if (sign == SignRule::activation) {
    // Σ_k |A_k|: only a sign hangs on it, so float will do.
    std::vector<float> strength(positions, 0.0f);
    for (std::size_t k = 0; k < channels; k++) {
      for (std::size_t i = 0; i < positions; i++) strength[i] += std::abs(activations[k * positions + i]);
    }
    double sum = 0;
    for (std::size_t i = 0; i < positions; i++) sum += map[i] * strength[i];
    if (sum != 0) return sum < 0;
  }
  const auto [low, high] = std::minmax_element(map.begin(), map.end());
  return -*low > *high;
}

}  // namespace

void principalComponent(Features activations, Gradients factors, bool centre, SignRule sign, Shape shape, float* maps) {
  const auto solve = [&](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; n++) {
      const float* image = activations.image(n);
      const std::vector<double> map = projection(image, factors.data == nullptr ? nullptr : factors.image(n),
                                                 factors.lazy, centre, shape.channels, shape.positions);
      float* out = maps + n * shape.positions;
      if (map.empty()) {
        std::fill(out, out + shape.positions, std::numeric_limits<float>::quiet_NaN());
        continue;
      }
      const double factor = isUpsideDown(map, sign, image, shape.channels) ? -1 : 1;
      for (std::size_t i = 0; i < shape.positions; i++) out[i] = static_cast<float>(factor * map[i]);
    }
  };
  // Several images: one each. One image: the threads share its matrices.
  parallelFor(shape.images, 1, solve);
}

}  // namespace onnx_cam::kernels
