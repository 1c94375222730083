// Maps of several layers, of one size, made one value by value.
//
//   out = Σ_l M_l / L (mean), max_l M_l (maximum), Π_l M_l (product), Σ_l M_l (sum)
//
// Layout: L stacks of `size` values each. Accumulator: double, rounded once. Edge cases: NaN in one makes the value NaN.
// No SIMD tiers: bound by memory.
#pragma once

#include <cstddef>
#include <vector>

namespace onnx_cam::kernels {

enum class Combination { mean, maximum, product, sum };

void combineMaps(Combination combination, const std::vector<const float*>& maps, std::size_t size, float* out);

}  // namespace onnx_cam::kernels
