// Where a sample of a resized map lies in its source, and what is made of the samples around it.
#pragma once

#include <cstddef>

#include "kernels/base/host_device.hpp"

namespace onnx_cam::kernels {

/// Between two values, `weight` of the way from `low` to `high`.
ONNX_CAM_HD inline float blend(float low, float high, float weight) { return (1 - weight) * low + weight * high; }

/// Where the centre of target sample `target` lies among `from` source samples, not clamped.
ONNX_CAM_HD inline double halfPixelSource(std::size_t target, std::size_t from, std::size_t to) {
  return (static_cast<double>(target) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
}

/// The same where the first and last samples of both fall together.
ONNX_CAM_HD inline double alignedSource(std::size_t target, std::size_t from, std::size_t to) {
  return to == 1 ? 0.0 : static_cast<double>(target) * static_cast<double>(from - 1) / static_cast<double>(to - 1);
}

/// The source sample whose cell holds the centre of a target sample.
ONNX_CAM_HD inline std::size_t nearestSource(std::size_t target, std::size_t from, std::size_t to) {
  const double at = (static_cast<double>(target) + 0.5) * static_cast<double>(from) / static_cast<double>(to);
  const std::size_t sample = static_cast<std::size_t>(at);
  return sample < from ? sample : from - 1;
}

/// Keys' cubic kernel with a = −0.75, at distance |x| ≤ 1 and 1 ≤ |x| ≤ 2.
ONNX_CAM_HD inline double cubicNear(double x) { return ((-0.75 + 2) * x - (-0.75 + 3)) * x * x + 1; }
ONNX_CAM_HD inline double cubicFar(double x) { return ((-0.75 * x + 5 * 0.75) * x - 8 * 0.75) * x + 4 * 0.75; }

}  // namespace onnx_cam::kernels
