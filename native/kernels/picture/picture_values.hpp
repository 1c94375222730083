// What metrics do to a whole picture: a map multiplied into it, and a blur.
//
//   multiplyByMap   out[c, y, x] = image[c, y, x] · map[y, x]
//   blurPicture     out[c, y, x] = Σ_j Σ_i k[j] · k[i] · image[c, y + j − r, x + i − r],  r = (length − 1)/2
//
// Beyond the border there is nothing (zero), or the picture mirrored about its border samples (reflect-101), however far
// outside. Separable: columns, then rows. Layout: [C, H, W], or [H, W, C] with `channelsLast`; map [H, W]. Accumulator: float.
// Edge cases: an axis of one sample is mirrored onto itself; NaN spreads as far as the kernel reaches.
// No SIMD tiers: one pass over memory; a picture is blurred once for all its copies. Source: Petsiuk et al.,
// arXiv:1806.07421 (insertion starts from the blurred picture).
#pragma once

#include <cstddef>
#include <vector>

namespace onnx_cam::kernels {

struct PictureLayout {
  std::size_t channels = 0;
  std::size_t height = 0;
  std::size_t width = 0;
  bool channelsLast = false;

  std::size_t pixels() const { return height * width; }
  std::size_t size() const { return channels * pixels(); }
};

enum class Border { zero, reflect };

void multiplyByMap(const float* image, const PictureLayout& layout, const float* map, float* out);

/// `kernel` has an odd length.
void blurPicture(const float* image, const PictureLayout& layout, const std::vector<float>& kernel, Border border,
                 float* out);

}  // namespace onnx_cam::kernels
