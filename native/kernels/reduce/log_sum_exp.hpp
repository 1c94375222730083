// What turns logits into the logarithms of softmax probabilities: log p_i = z_i − log Σ_j exp z_j.
//
//   log Σ_j exp z_j = m + log Σ_j exp(z_j − m),  m = max z
//
// Layout: one row [K]. Accumulator: double.
// Edge cases: NaN anywhere, or an infinite maximum, gives NaN; K = 0 gives NaN as well.
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

double logSumExp(const float* logits, std::size_t count);

}  // namespace onnx_cam::kernels
