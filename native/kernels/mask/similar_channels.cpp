#include "kernels/mask/similar_channels.hpp"

#include <cmath>
#include <vector>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/decompose/gram.hpp"
#include "kernels/mask/clip_maps.hpp"

namespace onnx_cam::kernels {

void similarChannels(const float* activations, std::size_t channels, std::size_t positions, double q,
                     const uint32_t* select, std::size_t selected, uint8_t* similar) {
  const std::size_t stride = gramStride(channels);
  std::vector<float> columns(positions * stride);
  for (std::size_t k = 0; k < channels; k++) {
    checkInterruption();
    for (std::size_t i = 0; i < positions; i++) columns[i * stride + k] = activations[k * positions + i];
  }
  std::vector<double> gram(channels * channels);
  gramMatrix(columns.data(), positions, channels, gram.data());
  parallelFor(selected, grainFor(20 * channels), [&](std::size_t begin, std::size_t end) {
    std::vector<float> cosines(channels), sorted(channels);
    for (std::size_t row = begin; row < end; row++) {
      checkInterruption();
      const std::size_t k = select[row];
      for (std::size_t j = 0; j < channels; j++) {
        const double norms = std::sqrt(gram[k * channels + k]) * std::sqrt(gram[j * channels + j]);
        const double cosine = gram[k * channels + j] / norms;
        cosines[j] = std::isfinite(cosine) ? static_cast<float>(cosine) : 0.0f;
      }
      sorted = cosines;
      const double threshold = percentile(sorted.data(), channels, 100 * q);
      for (std::size_t j = 0; j < channels; j++) similar[row * channels + j] = cosines[j] > threshold ? 1 : 0;
    }
  });
}

}  // namespace onnx_cam::kernels
