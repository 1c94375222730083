#include "kernels/reduce/gradient_powers.hpp"

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {

void addGradientPowers(const float* gradients, std::size_t count, double* sums) {
  parallelFor(count, grainFor(6), [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      const double g = gradients[i];
      sums[i] += g;
      sums[count + i] += g * g;
      sums[2 * count + i] += g * g * g;
    }
  });
}

void smoothWeights(Features activations, const PowerSums& sums, const float* first, Shape shape, float* weights) {
  constexpr double kEpsilon = 1e-8;
  const std::size_t positions = shape.positions, own = sums.lazy ? 1 : positions;
  const double copies = static_cast<double>(sums.copies), repeats = static_cast<double>(positions / own);
  parallelFor(shape.images * shape.channels, grainFor(8 * positions), [=](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; row++) {
      const std::size_t n = row / shape.channels, k = row % shape.channels;
      const std::size_t at = n * sums.imageStep + k * own;
      const double *d1 = sums.data + at, *d2 = d1 + sums.count, *d3 = d2 + sums.count;
      const float* a = activations.image(n) + k * positions;
      double product = 0;
      for (std::size_t i = 0; i < positions; i++) product += d3[own == 1 ? 0 : i] / copies * a[i];
      double weight = 0;
      for (std::size_t i = 0; i < own; i++) {
        const double square = d2[i] / copies, denominator = 2 * square + product + kEpsilon;
        const double value = first == nullptr ? d1[i] / copies : first[at + i];
        if (value > 0 && denominator != 0) weight += square / denominator * value * repeats;
      }
      weights[row] = static_cast<float>(weight);
    }
  });
}

}  // namespace onnx_cam::kernels
