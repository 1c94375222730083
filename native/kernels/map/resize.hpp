// Resizing of float maps, without antialiasing.
//
//   bilinear       src = (dst + 0.5) · in/out − 0.5     F.interpolate(align_corners=False), cv2 INTER_LINEAR
//   align-corners  src = dst · (in − 1)/(out − 1)       F.interpolate(align_corners=True); src = 0 when out = 1
//   bicubic        src as bilinear, kernel a = −0.75    F.interpolate(mode='bicubic'), cv2 INTER_CUBIC; may overshoot
//   nearest        src = floor((dst + 0.5) · in/out)    F.interpolate(mode='nearest-exact'), PIL NEAREST
//
// Taps outside the map take the border's value. Layout: [N, h, w] → [N, H, W]. Coordinates in double, taps in float.
// Separable: each source row is stretched once, then rows are blended. A map of unchanged size is copied.
// Edge cases: a tap of weight 0 is still multiplied, so a NaN or infinity spreads to the pixels that touch it.
// No SIMD tiers: bound by writing the result. Other tools: docs/methods.md#resizing.
#pragma once

#include <cstddef>
#include <vector>

namespace onnx_cam::kernels {

enum class Interpolation { bilinear, alignCorners, bicubic, nearest };

struct MapSize {
  std::size_t height = 0;
  std::size_t width = 0;

  std::size_t area() const { return height * width; }
};

void resizeMaps(const float* maps, std::size_t count, MapSize from, MapSize to, Interpolation interpolation,
                float* out);

/// Maps [N, h, w] of one size.
struct MapStack {
  const float* maps = nullptr;
  MapSize size;
};

/// The mean over stacks of N maps each, every one bilinearly at one size first: [N, H, W]. A map of the result is summed in float,
/// stack after stack, while it is in the cache; nothing else of its size is held.
void meanAtSize(const std::vector<MapStack>& stacks, std::size_t count, MapSize to, float* out);

}  // namespace onnx_cam::kernels
