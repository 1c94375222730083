// Putting float maps onto a grid that lies anywhere over them: bilinear sampling under an axis-aligned affine mapping.
//
//   u = (i + ½)·scale + offset − ½ along each axis, clamped to [0, n − 1];  out = bilinear(map, u_y, u_x)
//
// With scale = in/out and offset = 0 this is the half-pixel resize of resize.hpp. Pixels outside [begin, end) of an axis
// become 0. Layout: [N, h, w] → [N, H, W]. Coordinates in double, taps in float. Separable: each row of the map is
// stretched once, then rows are blended.
// Edge cases: an empty range gives zeros; a map of 1×1 a constant; NaN spreads to the pixels that touch it.
// No SIMD tiers: bound by writing the result.
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

/// How one axis of the result lies over one axis of the map; `begin` and `end` in pixels of the result.
struct AxisPlacement {
  std::size_t mapLength = 0;
  std::size_t length = 0;
  double scale = 1;
  double offset = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// `out` has room for count · y.length · x.length values.
void placeMaps(const float* maps, std::size_t count, const AxisPlacement& x, const AxisPlacement& y, float* out);

}  // namespace onnx_cam::kernels
