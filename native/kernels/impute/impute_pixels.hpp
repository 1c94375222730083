// ROAD's noisy linear imputation: removed pixels become the weighted mean of their neighbours, all at once.
//
//   Σ_w c_vw · (u_v − value_w) = 0  for each removed pixel v,  c = 2 to the four sides, 1 to the four diagonal neighbours
//
// over the neighbours w that lie inside the picture; value_w is u_w where w is removed too, else the picture's. (The paper's
// weights 1/6 and 1/12, times 12.) One system for all channels, symmetric and positive as soon as one pixel is kept. Solved
// by conjugate gradients in double with a multigrid cycle in float before each step (multigrid.hpp), to a relative residual
// of 1e-7 and to an estimate of the error, the next cycle's own correction, of 1e-6 of the channel's largest kept value; that
// correction is added too. Then noise · N(0, 1) per imputed pixel and channel: a function of the seed and of the range's
// bounds alone, pixels in row-major order, channels innermost.
//
// Layout: [C, H, W], or [H, W, C] with `channelsLast`; results are rounded to float once. Edge cases: nothing removed is the
// picture; everything removed is zeros, without noise; a channel with a value that isn't finite among the kept ones becomes
// NaN where it was removed; pixels may be named twice. Threads: one range each; the same numbers for any number of them.
// Source: Rong et al., arXiv:2202.00449; docs/design.md#imputation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/picture/picture_values.hpp"

namespace onnx_cam::kernels {

/// Pixels order[begin … end) are removed.
struct PixelRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct ImputeNoise {
  double deviation = 0;
  std::uint32_t seed = 0;
};

/// `out` [count, C · H · W]: the picture with each range imputed. Pixel numbers lie inside the picture.
void imputePixels(const float* image, const PictureLayout& layout, const std::uint32_t* order, const PixelRange* ranges,
                  std::size_t count, const ImputeNoise& noise, float* out);

}  // namespace onnx_cam::kernels
