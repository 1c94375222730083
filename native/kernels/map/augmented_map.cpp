#include "kernels/map/augmented_map.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/base/tier.hpp"

namespace onnx_cam::kernels {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

#define ONNX_CAM_KERNEL "kernels/map/augmented_map.inl"
#include "kernels/base/each_tier.inl"

constexpr std::size_t kOperationsPerPixel = 40;
constexpr std::size_t kRowsPerLook = 1 << 14;

/// Operations per row of a matrix, entries spread evenly.
std::size_t perRow(const SparseRows& matrix) { return 4 * (matrix.columns.size() / matrix.rows() + 1); }

}  // namespace

AugmentedObjective::AugmentedObjective(const float* observed, const Mappings& mappings, MapSize observedSize,
                                       MapSize size, AugmentedWeights weights)
    : observed_(observed),
      size_(size),
      weights_(weights),
      matrix_(observationMatrix(mappings, observedSize, size)),
      transposed_(transposed(matrix_, size.area())),
      rests_(matrix_.rows()) {}

void AugmentedObjective::setMap(const double* map) {
  map_ = map;
  parallelFor(matrix_.rows(), grainFor(perRow(matrix_)), [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; row++) {
      if (row % kRowsPerLook == 0) checkInterruption();
      rests_[row] = matrix_.product(row, map) - static_cast<double>(observed_[row]);
    }
  });
}

void AugmentedObjective::gradientOfRow(std::size_t y, double* out) const {
  const std::size_t width = size_.width, first = y * width;
  for (std::size_t x = 0; x < width; x++) out[x] = 2 * transposed_.product(first + x, rests_.data());
  const double* row = map_ + first;
  std::vector<double> signs(width);
  ONNX_CAM_DISPATCH(addPenalties)
  (row, y == 0 ? row : row - width, y + 1 == size_.height ? row : row + width, width, weights_.totalVariation,
   weights_.energy, signs.data(), out);
}

void minimize(AugmentedObjective& objective, const AdamOptions& options, float* out) {
  const std::size_t width = objective.size().width, area = objective.size().area();
  const auto adamStep = ONNX_CAM_DISPATCH(adamStep);
  // The next map is another array: rows are read by the threads that have their neighbours.
  std::vector<double> map(area), next(area), first(area), second(area);
  for (std::size_t step = 1; step <= options.iterations; step++) {
    const double power = static_cast<double>(step);
    const double rate = options.rate / (1 - std::pow(kBeta1, power));
    const double scale = 1 / std::sqrt(1 - std::pow(kBeta2, power));
    objective.setMap(map.data());
    parallelFor(objective.size().height, grainFor(kOperationsPerPixel * width),
                [&](std::size_t begin, std::size_t end) {
                  std::vector<double> gradient(width);
                  for (std::size_t y = begin; y < end; y++) {
                    checkInterruption();
                    const std::size_t at = y * width;
                    objective.gradientOfRow(y, gradient.data());
                    adamStep(gradient.data(), width, rate, scale, &first[at], &second[at], &map[at], &next[at]);
                  }
                });
    map.swap(next);
  }
  std::transform(map.begin(), map.end(), out, [](double value) { return static_cast<float>(value); });
}

}  // namespace onnx_cam::kernels
