#include "kernels/reduce/fem.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/base/parallel.hpp"
#include "kernels/base/tier.hpp"

namespace onnx_cam::kernels {
namespace {

#define ONNX_CAM_KERNEL "kernels/reduce/fem.inl"
#include "kernels/base/each_tier.inl"

}  // namespace

void femWeights(double k, const float* activations, Shape shape, float* weights) {
  const auto femRows = ONNX_CAM_DISPATCH(femRows);
  const std::size_t positions = shape.positions;
  parallelFor(shape.images * shape.channels, grainFor(3 * positions), [=](std::size_t begin, std::size_t end) {
    femRows(k, activations + begin * positions, end - begin, positions, weights + begin);
  });
}

}  // namespace onnx_cam::kernels
