#include "kernels/half.hpp"

#include "kernels/parallel.hpp"

namespace onnx_cam::kernels {

void floatToHalf(const float* from, std::size_t count, std::uint16_t* to) {
  parallelFor(count, grainFor(1), [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) to[i] = halfOf(from[i]);
  });
}

void halfToFloat(const std::uint16_t* from, std::size_t count, float* to) {
  parallelFor(count, grainFor(1), [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) to[i] = floatOf(from[i]);
  });
}

}  // namespace onnx_cam::kernels
