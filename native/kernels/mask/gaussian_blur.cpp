#include "kernels/mask/gaussian_blur.hpp"

#include <cmath>
#include <vector>

#include "kernels/base/interruption.hpp"

namespace onnx_cam::kernels {
namespace {

std::vector<float> gaussianWeights(std::size_t radius, double deviation) {
  std::vector<double> exact(2 * radius + 1);
  double sum = 0;
  for (std::size_t i = 0; i < exact.size(); i++) {
    const double distance = static_cast<double>(i) - static_cast<double>(radius);
    sum += exact[i] = std::exp(-distance * distance / (2 * deviation * deviation));
  }
  std::vector<float> weights;
  for (const double weight : exact) weights.push_back(static_cast<float>(weight / sum));
  return weights;
}

/// The sample that stands for position i − radius of an axis.
std::size_t mirrored(std::size_t i, std::size_t radius, std::size_t count) {
  if (count == 1) return 0;
  const auto period = static_cast<long long>(2 * (count - 1));
  const auto signedPosition = static_cast<long long>(i) - static_cast<long long>(radius);
  const long long within = (signedPosition % period + period) % period;
  return static_cast<std::size_t>(within < static_cast<long long>(count) ? within : period - within);
}

/// Blurs [outer, count, inner] along the middle axis.
void blurAxis(const float* in, std::size_t outer, std::size_t count, std::size_t inner,
              const std::vector<float>& weights, float* out) {
  const std::size_t radius = weights.size() / 2;
  for (std::size_t o = 0; o < outer; o++) {
    checkInterruption();
    const float* source = in + o * count * inner;
    for (std::size_t i = 0; i < count; i++) {
      if (inner > 1) checkInterruption();
      float* target = out + (o * count + i) * inner;
      for (std::size_t x = 0; x < inner; x++) target[x] = 0;
      for (std::size_t j = 0; j < weights.size(); j++) {
        const float* line = source + mirrored(i + j, radius, count) * inner;
        const float weight = weights[j];
        for (std::size_t x = 0; x < inner; x++) target[x] += weight * line[x];
      }
    }
  }
}

}  // namespace

void gaussianBlur(const float* image, std::size_t channels, std::size_t height, std::size_t width, bool channelsLast,
                  std::size_t radius, double deviation, float* out) {
  const std::vector<float> weights = gaussianWeights(radius, deviation);
  std::vector<float> rows(channels * height * width);
  if (channelsLast) {
    blurAxis(image, 1, height, width * channels, weights, rows.data());
    blurAxis(rows.data(), height, width, channels, weights, out);
  } else {
    blurAxis(image, channels, height, width, weights, rows.data());
    blurAxis(rows.data(), channels * height, width, 1, weights, out);
  }
}

}  // namespace onnx_cam::kernels
