// The matrix X of a decomposition, from activations: scaled by factors, centred per channel, padded for gramMatrix.
#pragma once

#include <cstddef>
#include <vector>

namespace onnx_cam::kernels {

/// X[k, i] = A[k, i] · factor, minus its mean over i with `centre`. `factors` has one entry per channel (`lazy`), one
/// per channel and position, or is null. Result: [channels, gramStride(positions)].
std::vector<float> channelRows(const float* activations, const float* factors, bool lazy, bool centre,
                               std::size_t channels, std::size_t positions);

/// The transpose [positions, gramStride(channels)] of what channelRows gives.
std::vector<float> transposedRows(const std::vector<float>& rows, std::size_t channels, std::size_t positions);

}  // namespace onnx_cam::kernels
