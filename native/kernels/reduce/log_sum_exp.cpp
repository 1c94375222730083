#include "kernels/reduce/log_sum_exp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace onnx_cam::kernels {

double logSumExp(const float* logits, std::size_t count) {
  double max = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < count; i++) {
    if (std::isnan(logits[i])) return std::numeric_limits<double>::quiet_NaN();
    max = std::max(max, static_cast<double>(logits[i]));
  }
  if (std::isinf(max)) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (std::size_t i = 0; i < count; i++) sum += std::exp(static_cast<double>(logits[i]) - max);
  return max + std::log(sum);
}

}  // namespace onnx_cam::kernels
