// Scores of changed activations where the score is an affine function of them: no run of the network is needed.
//
//   T(A) = b + Σ G ⊙ A, and T of the unchanged A is given: b = T(A) − Σ G ⊙ A
//   channels: copy i holds values[i] everywhere in channel select[i]
//   sets: copy i keeps the channels k with sets[i, k] ≠ 0, the others are 0
//   positions: copy i keeps position i of all channels; spread, at its neighbours as well with weights [1 2 1]² / 16
//   neighbourhoods: copy i keeps position i and its neighbours, each times its weight [1 2 1]² / 16
//
// Layout: G [T, C, h, w] or lazy [T, C]; A [C, h, w]; clean and out in double, [T] and [copies, T]. Accumulator: double.
// Edge cases: neighbours outside the map count for nothing; a replacement of 0 adds nothing, whatever G is; NaN propagates.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onnx_cam::kernels {

struct AffineTail {
  const float* slopes = nullptr;
  bool lazy = false;
  const float* activations = nullptr;
  const double* clean = nullptr;
  std::size_t targets = 0;
  std::size_t channels = 0;
  std::size_t height = 0;
  std::size_t width = 0;

  std::size_t positions() const { return height * width; }
};

void affineChannelScores(const AffineTail& tail, const std::uint32_t* select, const float* values, std::size_t copies,
                         double* out);
void affineSetScores(const AffineTail& tail, const std::uint8_t* sets, std::size_t copies, double* out);

enum class Neighbours { none, spread, kept };
/// As many copies as positions.
void affinePositionScores(const AffineTail& tail, Neighbours neighbours, double* out);

}  // namespace onnx_cam::kernels
