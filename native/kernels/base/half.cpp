#include "kernels/base/half.hpp"

#include <algorithm>
#include <limits>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {

void floatToHalf(const float* from, std::size_t count, std::uint16_t* to) {
  parallelFor(count, grainFor(1), [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) to[i] = halfOf(from[i]);
  });
}

void floatToHalfSaturated(const float* from, std::size_t count, std::uint16_t* to) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  parallelFor(count, grainFor(1), [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      const float value = from[i];
      const bool finite = value < kInfinity && value > -kInfinity;
      to[i] = halfOf(finite ? std::min(std::max(value, -65504.0f), 65504.0f) : value);
    }
  });
}

void halfToFloat(const std::uint16_t* from, std::size_t count, float* to) {
  parallelFor(count, grainFor(1), [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) to[i] = floatOf(from[i]);
  });
}

}  // namespace onnx_cam::kernels
