// The parts of the perturbation loops that also exist for GPUs; as kernels/cuda_kernels.hpp: device memory, work queued
// on a stream, 0 or a cudaError_t.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/cuda_kernels.hpp"
#include "scoring/score_view.hpp"

namespace onnx_cam::kernels::cuda {

/// Items `begin`, `begin` + 1, … of the variants of a layer (activation_variants.hpp).
struct ActivationChange {
  enum class Kind { channels, sets, position, spread, kept };
  Kind kind = Kind::channels;
  const float* layer = nullptr;
  std::size_t channelCount = 0;
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t begin = 0;
  /// Of `channels`: which, and what they hold.
  const uint32_t* channels = nullptr;
  const float* values = nullptr;
  /// Of `sets`: [items, channels].
  const uint8_t* sets = nullptr;
};

/// out [count, C, h, w] in float32 or float16.
int changeActivations(const ActivationChange& change, std::size_t count, Element element, void* out, Stream stream);

/// Target t is the sum of terms [starts[t], starts[t + 1]).
struct TargetTerms {
  const ScoreTerm* terms = nullptr;
  const uint32_t* starts = nullptr;
  std::size_t targets = 0;
  bool sigmoid = false;
};

/// scores [count, targets] double of logits [count, classes]; every term's index is below `classes`.
int readScores(const void* logits, Element element, std::size_t count, std::size_t classes, const TargetTerms& targets,
               double* scores, Stream stream);

}  // namespace onnx_cam::kernels::cuda
