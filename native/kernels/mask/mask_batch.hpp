// Masked copies of one image, one slot of a batch at a time: upsample a small map, stretch it to [0, 1], multiply it
// into the image, write the slot. The inner loop of Score-CAM and its relatives.
//
//   m = U(map) stretched;  m = scale · m;  m = 1 − m with `complement`;  m = m + noise
//   out[c, y, x] = image[c, y, x] · m[y, x] + background[c, y, x] · (1 − m[y, x])
//
// Upsampling is linear on both axes, target sample i reading the source at
//   halfPixel     (i + 0.5) · in/out − 0.5, borders repeated   F.interpolate(align_corners=False)
//   alignCorners  i · (in − 1)/(out − 1)                       nn.UpsamplingBilinear2d
//   mirror        as halfPixel, mirrored about the border samples   skimage.transform.resize(mode='reflect'), RISE;
//                 with stretch `none` only
// Stretching: `before` upsampling (M − min)/(max − min + ε) of the small map; `after` it, of the upsampled map; `none`.
//
// Two ideas keep it at the speed of memory. Between two source rows the upsampled map is linear in y, so that its exact
// extremes lie in the first and last sample row of each source interval. And the stretch is folded into the rows that
// are already upsampled horizontally (h · W values), so that one pass over the image writes the result.
//
// Layout: maps [h, w]; image, background and out [C, H, W], or [H, W, C] with `channelsLast`. Accumulator: float.
// Edge cases: a constant map becomes zeros (ones with `complement`); NaN spreads to the pixels that touch it.
// No SIMD tiers: AVX2 and AVX-512 gain nothing here, writing the slot is the limit.
// Sources: docs/methods.md#score-cam, docs/methods.md#resizing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/mask/mask_view.hpp"

namespace onnx_cam::kernels {

enum class MaskGrid { halfPixel, alignCorners, mirror };

/// The two source samples of each target sample of an axis; the higher one counts `weight`, the lower one 1 − weight.
struct MaskAxis {
  std::vector<uint32_t> low;
  std::vector<uint32_t> high;
  std::vector<float> weight;

  MaskAxis(std::size_t from, std::size_t to, MaskGrid grid);
};

/// Where the samples of a canvas lie in a small map; the same for all maps of a size. Image pixel (y, x) is canvas
/// sample (y + offset, x + offset): only RISE's canvas is larger than its image.
struct MaskPlan {
  std::size_t height;
  std::size_t width;
  MaskAxis rows;
  MaskAxis columns;

  MaskPlan(std::size_t height, std::size_t width, std::size_t canvasHeight, std::size_t canvasWidth, MaskGrid grid);
};

struct MaskExtremes {
  float low = std::numeric_limits<float>::infinity();
  float high = -std::numeric_limits<float>::infinity();

  void add(float value) {
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
};

/// Paints masks of one plan; keeps scratch memory, so one per thread.
class MaskPainter {
 public:
  explicit MaskPainter(const MaskPlan& plan) : plan_(plan) {}

  /// Takes a map; what follows paints it on an image of this size.
  void prepare(const float* map, const MaskRule& rule, float scale, MaskOffset offset, std::size_t imageHeight,
               std::size_t imageWidth);
  /// Row `y` of the prepared mask.
  void row(std::size_t y, float* out) const;
  /// The masked image. `noise` [H, W] is added to the mask; null for none.
  void paint(const MaskedImage& image, const float* noise, float* out);

 private:
  void stretch(const MaskStretching& stretching);
  MaskExtremes extremes();

  const MaskPlan& plan_;
  MaskOffset offset_;
  std::size_t imageHeight_ = 0;
  std::size_t imageWidth_ = 0;
  std::vector<float> rows_;  // [h, imageWidth]: upsampled along x, range folded in.
  std::vector<float> mask_;
};

/// Σ_n weights[n · targets + t] · mask_n for each target: out [targets, H, W]. Masks are [count, h, w] maps painted
/// with stretch `none`; `offsets` holds one for each. Accumulator: double, in the order of the maps, whatever the
/// threads.
void sumMasks(const MaskPlan& plan, const float* maps, std::size_t count, const MaskOffset* offsets,
              const double* weights, std::size_t targets, std::size_t height, std::size_t width, float* out);

}  // namespace onnx_cam::kernels
