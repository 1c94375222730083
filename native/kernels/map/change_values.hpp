// Functions of single values, and factors that activations are multiplied with.
//
//   changeValues: |v|, max(v, 0) or tanh(2v)
//   gateGradients: G where G·A > 0, else 0 (element-wise Grad-CAM's factor)
//
// Layout: any; gates [N, C, P] of A [N, C, P] and G [N, C, P] or lazy [N, C, 1]. Edge cases: changeValues keeps NaN; a gate of
// NaN is closed. tanh in double, rounded. Source: LayerCAM (Jiang et al., TIP 2021, eq. 10) for the tanh.
// No SIMD tiers: bound by memory, but for the tanh, which maps of layers alone go through.
#pragma once

#include <cstddef>

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

enum class ValueChange { absolute, positive, tanhOfDouble };

void changeValues(ValueChange change, const float* values, std::size_t count, float* out);

void gateGradients(Features activations, Gradients gradients, Shape shape, float* out);

}  // namespace onnx_cam::kernels
