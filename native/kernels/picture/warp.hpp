// Pictures or maps under affine mappings (rotations, shifts, stretches), one mapping each, of unchanged size.
//
//   out[y, x] = Σ_j Σ_i w_j · w_i · image[⌊v⌋ + j, ⌊u⌋ + i],  (u, v) = mapping of (x, y),  i, j in {0, 1}
//   w_0 = 1 − (u − ⌊u⌋), w_1 = u − ⌊u⌋, and so along y
//
// Outside the picture lies `fill`, one value per plane and interleaved channel: a pixel just outside the border is a blend, as
// tf.contrib.image.transform and cv2's BORDER_CONSTANT have it. Layout: [planes, H, W, inner] each: planes = C or C · D with
// inner = 1, or inner = C with channels last. Coordinates in double, weights and sums in float.
// Edge cases: the identity copies, bit for bit; whatever isn't finite among the coordinates is outside; a sample of weight 0
// inside the picture is still multiplied, so a NaN spreads to the pixels that touch it; one sample per axis has no inside.
#pragma once

#include <cstddef>

#include "kernels/map/affine.hpp"

namespace onnx_cam::kernels {

struct WarpLayout {
  std::size_t planes = 0;
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t inner = 1;

  std::size_t row() const { return width * inner; }
  std::size_t size() const { return planes * height * row(); }
  /// Values of `fill`.
  std::size_t fills() const { return planes * inner; }
};

/// `imageStep` is the distance from one image to the next, 0 when one is warped `count` times; planes have fewer than 2^31
/// values; `fill` may be null for zeros; `out` [count, layout.size()].
void warp(const float* images, std::size_t imageStep, const WarpLayout& layout, const Affine* mappings,
          std::size_t count, const float* fill, float* out);

}  // namespace onnx_cam::kernels
