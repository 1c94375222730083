#include "kernels/decompose/kernel_pca.hpp"

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

double kernelValue(PcaKernel kernel, double gamma, double product, double squareI, double squareJ) {
  switch (kernel) {
    case PcaKernel::linear:
      return product;
    case PcaKernel::sigmoid:
      return std::tanh(gamma * product + 1);
    case PcaKernel::rbf:
      return std::exp(-gamma * std::max(squareI + squareJ - 2 * product, 0.0));
    case PcaKernel::poly: {
      const double base = gamma * product + 1;
      return base * base * base;
    }
    case PcaKernel::cosine:
      return product / ((squareI > 0 ? std::sqrt(squareI) : 1) * (squareJ > 0 ? std::sqrt(squareJ) : 1));
  }
  return product;
}

/// Turns dot products into kernel values; returns the largest size among them.
double applyKernel(PcaKernel kernel, double gamma, std::size_t size, std::vector<double>& matrix) {
  std::vector<double> squares(size), largest(size, 0.0);
  for (std::size_t i = 0; i < size; i++) squares[i] = matrix[i * size + i];
  // A tanh counts as 16 operations. Entry (i, j) with j ≥ i also fills (j, i): no other row touches these two.
  parallelFor(size, grainFor(16 * size), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      for (std::size_t j = i; j < size; j++) {
        const double value = kernelValue(kernel, gamma, matrix[i * size + j], squares[i], squares[j]);
        matrix[i * size + j] = matrix[j * size + i] = value;
        largest[i] = std::max(largest[i], std::abs(value));
      }
    }
  });
  return *std::max_element(largest.begin(), largest.end());
}

void centreBothWays(std::size_t size, std::vector<double>& matrix) {
  std::vector<double> means(size, 0.0);
  for (std::size_t i = 0; i < size; i++) {
    for (std::size_t j = 0; j < size; j++) means[j] += matrix[i * size + j];
  }
  double mean = 0;
  for (double& value : means) {
    value /= static_cast<double>(size);
    mean += value / static_cast<double>(size);
  }
  for (std::size_t i = 0; i < size; i++) {
    for (std::size_t j = 0; j < size; j++) matrix[i * size + j] += mean - means[i] - means[j];
  }
}

void kernelPcaMap(PcaKernel kernel, double gamma, const float* activations, std::size_t channels, std::size_t positions,
                  float* map) {
  std::vector<double> matrix(positions * positions);
  {
    const std::vector<float> rows = channelRows(activations, nullptr, false, true, channels, positions);
    gramMatrix(rows.data(), channels, positions, matrix.data());
  }
  double trace = 0;
  for (std::size_t i = 0; i < positions; i++) trace += matrix[i * positions + i];
  const double largest = std::isfinite(trace) ? applyKernel(kernel, gamma, positions, matrix) : trace;
  if (!std::isfinite(largest)) {
    std::fill(map, map + positions, std::numeric_limits<float>::quiet_NaN());
    return;
  }
  centreBothWays(positions, matrix);
  const Eigenpair pair = leadingEigenpair(matrix.data(), positions);
  const double noise = 16 * std::numeric_limits<double>::epsilon() * static_cast<double>(positions) * largest;
  if (pair.value <= noise) {
    std::fill(map, map + positions, 0.0f);
    return;
  }
  const auto [low, high] = std::minmax_element(pair.vector.begin(), pair.vector.end());
  const double factor = std::sqrt(pair.value) * (-*low > *high ? -1 : 1);
  for (std::size_t i = 0; i < positions; i++) map[i] = static_cast<float>(factor * pair.vector[i]);
}

}  // namespace

void kernelPca(PcaKernel kernel, double gamma, const float* activations, Shape shape, float* maps) {
  parallelFor(shape.images, 1, [=](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; n++) {
      kernelPcaMap(kernel, gamma, activations + n * shape.perImage(), shape.channels, shape.positions,
                   maps + n * shape.positions);
    }
  });
}

}  // namespace onnx_cam::kernels
