#include "kernels/reduce/channel_means.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/base/parallel.hpp"
#include "kernels/base/tier.hpp"

namespace onnx_cam::kernels {
namespace {

#define ONNX_CAM_KERNEL "kernels/reduce/channel_means.inl"
#include "kernels/base/each_tier.inl"

}  // namespace

void channelMeans(const float* features, Shape shape, float* means) {
  const auto meansOfRows = ONNX_CAM_DISPATCH(meansOfRows);
  const std::size_t positions = shape.positions;
  parallelFor(shape.images * shape.channels, grainFor(positions), [=](std::size_t begin, std::size_t end) {
    meansOfRows(features + begin * positions, end - begin, positions, means + begin);
  });
}

}  // namespace onnx_cam::kernels
