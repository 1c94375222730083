// Attention of one block [heads, queries, keys], reduced to what maps are made of.
//
// rollAttention: a row vector r over tokens taken through the block, so that no product of two matrices is ever made.
//   F = fuse over heads of A, or of A ⊙ G (F = max(F, 0) then); its ⌊ratio·tokens²⌋ lowest values are set to 0
//   normalized: r ← r · rownorm(F + I);  sum: r ← r + r · F
// positiveRows: out[p] = Σ over heads and queries of max(G, 0) at patch p (LeGrad).
// attentionGradCam: out[p] = mean over heads of ⟨g⟩ a[p], with a and g the mean over rows of A and G at the patches.
//
// Layout: row-major; queries = keys = tokens when rolled; patches are `patches` keys from `prefix` on. Accumulator: double;
// F is rounded to float once. Edge cases: NaN stays NaN and is never discarded; of equal lowest values the first are discarded.
// Source: Abnar & Zuidema, arXiv:2005.00928; vit-explain; Chefer et al., arXiv:2103.15679, eq. 5 and 6; Bousselham et al.,
// arXiv:2404.03214.
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

enum class FuseHeads {
  /// Over heads of A, or of A ⊙ G.
  mean,
  maximum,
  minimum,
  /// The mean of max(A ⊙ G, 0).
  positiveMean,
};

struct AttentionRoll {
  FuseHeads fuse = FuseHeads::mean;
  /// The share of the lowest values that is set to 0.
  double discard = 0;
  /// The first value, the class token's attention to itself, is never discarded.
  bool keepFirst = false;
  /// r ← r · rownorm(F + I), else r ← r + r · F.
  bool normalized = true;
};

/// `gradients` null: A alone. `row` and `out` have `tokens` values.
void rollAttention(const AttentionRoll& roll, const double* row, const float* attention, const float* gradients,
                   std::size_t heads, std::size_t tokens, double* out);

struct Patches {
  std::size_t prefix = 0;
  std::size_t count = 0;
};

/// `rows`: heads · queries of [rows, keys].
void positiveRows(const float* gradients, std::size_t rows, std::size_t keys, Patches patches, double* out);

/// `rows`: how many queries of each head, from the first on, are averaged.
void attentionGradCam(const float* attention, const float* gradients, std::size_t heads, std::size_t queries,
                      std::size_t keys, std::size_t rows, Patches patches, float* out);

}  // namespace onnx_cam::kernels
