// Reductions of feature maps that stayed on a device: results come to the CPU's memory, the maps don't.
#pragma once

#include <cstddef>

#include "device/device.hpp"
#include "kernels/base/shape.hpp"
#include "kernels/decompose/principal_component.hpp"
#include "kernels/reduce/channel_sum.hpp"
#include "kernels/reduce/gradient_weights.hpp"

namespace onnx_cam {

/// Feature maps in a device's memory, and what multiplies them: gradients there, or channel weights in the CPU's memory.
/// As kernels::Features and kernels::Gradients otherwise.
struct DeviceOperands {
  kernels::Features activations;
  kernels::Gradients factors;
  /// `factors` are weights [images, channels] in the CPU's memory.
  bool weights = false;
  std::size_t weightCount = 0;
};

// Each waits for its result in `out`. Formulas: the headers of the same names in kernels/. They throw CodedError:
// ERR_OUT_OF_MEMORY, ERR_RUNTIME.
void channelMeansOn(Device& device, const float* features, kernels::Shape shape, float* out);
void channelSumOn(Device& device, kernels::Term term, const DeviceOperands& operands, kernels::Shape shape, float* out);
void plusPlusWeightsOn(Device& device, kernels::PlusPlusMode mode, const DeviceOperands& operands, kernels::Shape shape,
                       float* out);
void xgradWeightsOn(Device& device, double epsilon, bool guard, const DeviceOperands& operands, kernels::Shape shape,
                    float* out);
/// The Gram matrix, the smaller of [P, P] and [C, C], comes to the CPU, which finds its largest eigenvector.
void principalComponentOn(Device& device, const DeviceOperands& operands, bool centre, kernels::SignRule sign,
                          kernels::Shape shape, float* out);

}  // namespace onnx_cam
