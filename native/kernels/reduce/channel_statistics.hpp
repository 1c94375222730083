// What is said of each channel of one image in a single number.
//
//   deviation: √((1/P) Σ (A − μ)²);  mean: μ = (1/P) Σ A;  maximum, minimum of A
//
// Layout: A [C, P], out [C]. Accumulator: double; deviations around a channel's first value, so that large offsets don't eat
// the digits of small deviations. Edge cases: mean, deviation and minimum of a channel with a NaN are NaN; the maximum passes
// over NaN (−∞ where there is nothing else).
// Source: the ranking of Faster-Score-CAM and topK; Ablation-CAM's replacements.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onnx_cam::kernels {

enum class ChannelStatistic { deviation, mean, maximum, minimum };

void channelStatistics(ChannelStatistic statistic, const float* activations, std::size_t channels,
                       std::size_t positions, double* out);

/// Whether channel select[i] holds nothing but values[i]: out[i] is 1 or 0.
void uniformChannels(const float* activations, std::size_t positions, const std::uint32_t* select, const float* values,
                     std::size_t count, std::uint8_t* out);

}  // namespace onnx_cam::kernels
