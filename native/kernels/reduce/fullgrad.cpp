#include "kernels/reduce/fullgrad.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Range {
  float low = kInfinity;
  float high = -kInfinity;
  bool nan = false;

  void add(float value) {
    low = value < low ? value : low;
    high = value > high ? value : high;
    nan |= value != value;
  }
  void add(const Range& other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
    nan |= other.nan;
  }
};

/// Channel k of one image.
struct Magnitudes {
  const float* activations;
  const float* gradients;
  float bias;
  bool lazy;

  float at(std::size_t i) const {
    const double factor = activations == nullptr ? bias : activations[i];
    return static_cast<float>(std::abs(factor * gradients[lazy ? 0 : i]));
  }
};

}  // namespace

void fullGradTerm(Features activations, const float* bias, Gradients gradients, Shape shape, bool perChannel,
                  double epsilon, float* maps) {
  const std::size_t positions = shape.positions;
  std::vector<Range> ranges(shape.channels);
  for (std::size_t n = 0; n < shape.images; n++) {
    const auto channel = [=](std::size_t k) {
      return Magnitudes{bias == nullptr ? activations.image(n) + k * positions : nullptr,
                        gradients.image(n) + k * (gradients.lazy ? 1 : positions), bias == nullptr ? 0 : bias[k],
                        gradients.lazy};
    };
    parallelFor(shape.channels, grainFor(4 * positions), [&](std::size_t begin, std::size_t end) {
      for (std::size_t k = begin; k < end; k++) {
        const Magnitudes values = channel(k);
        ranges[k] = {};
        for (std::size_t i = 0; i < positions; i++) ranges[k].add(values.at(i));
      }
    });
    if (!perChannel) {
      Range all;
      for (const Range& range : ranges) all.add(range);
      std::fill(ranges.begin(), ranges.end(), all);
    }
    parallelFor(positions, grainFor(4 * shape.channels), [&](std::size_t begin, std::size_t end) {
      std::vector<double> sums(end - begin);
      for (std::size_t k = 0; k < shape.channels; k++) {
        const Magnitudes values = channel(k);
        const double low = ranges[k].nan ? std::nan("") : ranges[k].low, divisor = ranges[k].high - low + epsilon;
        for (std::size_t i = begin; i < end; i++) sums[i - begin] += (values.at(i) - low) / divisor;
      }
      std::copy(sums.begin(), sums.end(), maps + n * positions + begin);
    });
  }
}

}  // namespace onnx_cam::kernels
