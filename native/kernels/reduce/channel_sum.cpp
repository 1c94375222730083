#include "kernels/reduce/channel_sum.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/base/parallel.hpp"
#include "kernels/base/tier.hpp"
#include "kernels/reduce/terms.hpp"

namespace onnx_cam::kernels {
namespace {

#define ONNX_CAM_KERNEL "kernels/reduce/channel_sum.inl"
#include "kernels/base/each_tier.inl"

// No larger than kSpan in channel_sum.inl.
constexpr std::size_t kPositionsPerCall = 1024;

}  // namespace

void channelSum(Term term, Features activations, Gradients gradients, Shape shape, float* maps) {
  const auto sumChannels = ONNX_CAM_DISPATCH(sumChannels);
  const std::size_t positions = shape.positions;
  const std::size_t spans = (positions + kPositionsPerCall - 1) / kPositionsPerCall;
  const std::size_t operations = shape.channels * std::min(positions, kPositionsPerCall);
  parallelFor(shape.images * spans, grainFor(operations), [=](std::size_t begin, std::size_t end) {
    for (std::size_t part = begin; part < end; part++) {
      const std::size_t image = part / spans, start = part % spans * kPositionsPerCall;
      sumChannels(term, gradients.lazy, activations.image(image) + start,
                  gradients.image(image) + (gradients.lazy ? 0 : start), shape.channels, positions,
                  std::min(kPositionsPerCall, positions - start), maps + image * positions + start);
    }
  });
}

}  // namespace onnx_cam::kernels
