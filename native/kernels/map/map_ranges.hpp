// The range of each map, by which it is judged.
//
//   out[n] = (min M, max M, 1 where all values are finite, else 0)
//
// Layout: M [N, P], out [N, 3]. Edge cases: where a value isn't finite, min and max are those of the others.
// No SIMD tiers: bound by memory.
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

void mapRanges(const float* maps, std::size_t count, std::size_t positions, float* out);

}  // namespace onnx_cam::kernels
