#include "kernels/decompose/principal_component.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/base/parallel.hpp"
#include "kernels/decompose/channel_rows.hpp"
#include "kernels/decompose/gram.hpp"
#include "kernels/decompose/leading_eigenpair.hpp"

namespace onnx_cam::kernels {
namespace {

/// M = X v for X [positions, channels], rows padded.
void projectRows(const std::vector<float>& matrix, std::size_t channels, std::size_t positions,
                 const std::vector<double>& direction, double* map) {
  const std::size_t stride = gramStride(channels);
  for (std::size_t i = 0; i < positions; i++) {
    // Independent sums, which the compiler can keep in a register.
    constexpr std::size_t kWidth = 8;
    double sums[kWidth] = {};
    const float* row = &matrix[i * stride];
    std::size_t k = 0;
    for (; k + kWidth <= channels; k += kWidth) {
      for (std::size_t j = 0; j < kWidth; j++) sums[j] += row[k + j] * direction[k + j];
    }
    for (; k < channels; k++) sums[0] += row[k] * direction[k];
    map[i] = 0;
    for (const double sum : sums) map[i] += sum;
  }
}

bool isUpsideDown(const std::vector<double>& map, SignRule sign, const std::vector<double>& strength) {
  if (sign == SignRule::activation) {
    double sum = 0;
    for (std::size_t i = 0; i < map.size(); i++) sum += map[i] * strength[i];
    if (sum != 0) return sum < 0;
  }
  const auto [low, high] = std::minmax_element(map.begin(), map.end());
  return -*low > *high;
}

/// Σ_k |A_k|, for `activation` only; a sign hangs on it, so float will do.
std::vector<double> strengthOf(const float* activations, SignRule sign, std::size_t channels, std::size_t positions) {
  if (sign != SignRule::activation) return {};
  std::vector<float> strength(positions, 0.0f);
  for (std::size_t k = 0; k < channels; k++) {
    for (std::size_t i = 0; i < positions; i++) strength[i] += std::abs(activations[k * positions + i]);
  }
  return {strength.begin(), strength.end()};
}

}  // namespace

void principalMap(const std::vector<double>& gram, std::size_t columns, std::size_t positions, bool byPosition,
                  const std::function<void(const std::vector<double>&, double*)>& project, SignRule sign,
                  const std::vector<double>& strength, float* map) {
  // A sum of squares is finite only if every entry of X is (and their squares don't overflow).
  double trace = 0;
  for (std::size_t i = 0; i < columns; i++) trace += gram[i * columns + i];
  if (!std::isfinite(trace) || trace == 0) {
    std::fill_n(map, positions, trace == 0 ? 0.0f : std::numeric_limits<float>::quiet_NaN());
    return;
  }
  std::vector<double> exact(positions);
  const Eigenpair pair = leadingEigenpair(gram.data(), columns);
  if (byPosition) {
    const double sigma = std::sqrt(std::max(pair.value, 0.0));
    for (std::size_t i = 0; i < positions; i++) exact[i] = sigma * pair.vector[i];
  } else {
    project(pair.vector, exact.data());
  }
  const double factor = isUpsideDown(exact, sign, strength) ? -1 : 1;
  for (std::size_t i = 0; i < positions; i++) map[i] = static_cast<float>(factor * exact[i]);
}

void principalComponent(Features activations, Gradients factors, bool centre, SignRule sign, Shape shape, float* maps) {
  const std::size_t channels = shape.channels, positions = shape.positions;
  const bool byPosition = positions <= channels;
  const std::size_t rows = byPosition ? channels : positions, columns = byPosition ? positions : channels;
  const auto solve = [&](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; n++) {
      const float* image = activations.image(n);
      std::vector<float> matrix = channelRows(image, factors.data == nullptr ? nullptr : factors.image(n), factors.lazy,
                                              centre, channels, positions);
      if (!byPosition) matrix = transposedRows(matrix, channels, positions);
      std::vector<double> gram(columns * columns);
      gramMatrix(matrix.data(), rows, columns, gram.data());
      const auto project = [&](const std::vector<double>& direction, double* map) {
        projectRows(matrix, channels, positions, direction, map);
      };
      principalMap(gram, columns, positions, byPosition, project, sign, strengthOf(image, sign, channels, positions),
                   maps + n * positions);
    }
  };
  // Several images: one each. One image: the threads share its matrices.
  parallelFor(shape.images, 1, solve);
}

}  // namespace onnx_cam::kernels
