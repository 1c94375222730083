// Channels grouped by what they look like: k-means on the channels' maps (Group-CAM's clustering).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace onnx_cam {

/// Cluster of each channel, in [0, clusters). Activations [channels, positions]. Seeds are chosen as k-means++ does,
/// from `seed`; then at most 30 rounds of assignment (the nearest centre, the first of equal ones) and new means. A
/// cluster that loses all its channels keeps its centre and may stay empty.
std::vector<uint32_t> clusterChannels(const float* activations, std::size_t channels, std::size_t positions,
                                      std::size_t clusters, uint32_t seed);

}  // namespace onnx_cam
