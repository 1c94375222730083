// What masks are made of, as plain structures over somebody else's memory, for the CPU's and the GPU's mask pass
// (mask_batch.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/host_device.hpp"

namespace onnx_cam::kernels {

enum class MaskStretch { none, before, after };

struct MaskRule {
  MaskStretch stretch = MaskStretch::after;
  float epsilon = 0;
  bool complement = false;
};

struct MaskOffset {
  std::size_t y = 0;
  std::size_t x = 0;
};

struct MaskedImage {
  const float* image = nullptr;
  /// What shows where the mask is 0; null for zeros.
  const float* background = nullptr;
  std::size_t channels = 0;
  std::size_t height = 0;
  std::size_t width = 0;
  bool channelsLast = false;

  constexpr std::size_t size() const { return channels * height * width; }
};

/// mask = ((U(map) − base) − low) · factor + shift
struct MaskStretching {
  float base;
  float low;
  float factor;
  float shift;
};

/// How a mask is made of an upsampled map whose values lie in base + [low, low + range]. A constant map becomes zeros.
ONNX_CAM_HD inline MaskStretching maskStretching(const MaskRule& rule, float base, float low, float range,
                                                 float scale) {
  float factor = scale;
  if (rule.stretch != MaskStretch::none) factor = range == 0 ? 0 : scale / (range + rule.epsilon);
  return {base, low, rule.complement ? -factor : factor, rule.complement ? 1.0f : 0.0f};
}

/// The arrays of a MaskAxis.
struct MaskAxisView {
  const uint32_t* low = nullptr;
  const uint32_t* high = nullptr;
  const float* weight = nullptr;
};

/// Items `begin`, `begin` + 1, … of a MaskVariants: item i is map select[i / repeats] times scales[i % repeats].
struct MaskView {
  /// [maps, height, width].
  const float* maps = nullptr;
  std::size_t height = 0;
  std::size_t width = 0;
  MaskAxisView rows;
  MaskAxisView columns;
  MaskRule rule;
  const uint32_t* select = nullptr;
  std::size_t begin = 0;
  std::size_t repeats = 1;
  const float* scales = nullptr;
  /// One per map; null for the corner.
  const MaskOffset* offsets = nullptr;
};

}  // namespace onnx_cam::kernels
