#include "kernels/reduce/channel_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

double deviationOf(const float* values, std::size_t count) {
  const double first = values[0], size = static_cast<double>(count);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < count; i++) {
    const double value = values[i] - first;
    sum += value;
    squares += value * value;
  }
  const double variance = squares / size - (sum / size) * (sum / size);
  return variance < 0 ? 0 : std::sqrt(variance);
}

double meanOf(const float* values, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; i++) sum += values[i];
  return sum / static_cast<double>(count);
}

double maximumOf(const float* values, std::size_t count) {
  float most = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < count; i++) most = values[i] > most ? values[i] : most;
  return most;
}

double minimumOf(const float* values, std::size_t count) {
  float least = std::numeric_limits<float>::infinity();
  bool nan = false;
  for (std::size_t i = 0; i < count; i++) {
    least = values[i] < least ? values[i] : least;
    nan |= values[i] != values[i];
  }
  return nan ? std::numeric_limits<double>::quiet_NaN() : least;
}

}  // namespace

void channelStatistics(ChannelStatistic statistic, const float* activations, std::size_t channels,
                       std::size_t positions, double* out) {
  constexpr double (*kStatistics[])(const float*, std::size_t) = {deviationOf, meanOf, maximumOf, minimumOf};
  const auto of = kStatistics[static_cast<std::size_t>(statistic)];
  parallelFor(channels, grainFor(3 * positions), [=](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; k++) out[k] = of(activations + k * positions, positions);
  });
}

void uniformChannels(const float* activations, std::size_t positions, const std::uint32_t* select, const float* values,
                     std::size_t count, std::uint8_t* out) {
  for (std::size_t i = 0; i < count; i++) {
    const float *channel = activations + select[i] * positions, value = values[i];
    out[i] = std::all_of(channel, channel + positions, [value](float own) { return own == value; });
  }
}

}  // namespace onnx_cam::kernels
