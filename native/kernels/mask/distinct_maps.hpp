// Maps that give the same mask, found before any of them is run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/mask/mask_batch.hpp"

namespace onnx_cam {

/// A mask depends on its map only through the stretched small map. So maps are compared by
///   q = round(1e6 · (M − min M)/(max M − min M + ε)), the small map stretched and rounded to six digits
/// (the bits of M itself where nothing is stretched), which moves no mask value by more than 1e-6 or so. Dead channels,
/// constant ones and those with a single live cell fall together: on photographs a third to two thirds of all.
struct DistinctMaps {
  /// Index of the first map of each group.
  std::vector<uint32_t> first;
  /// Per map: its group; −1 when it is not to be run.
  std::vector<int32_t> group;
  /// Per map: 1 when all its values are equal.
  std::vector<uint8_t> constant;
  /// Per group: FNV-1a over q, 32 bits a step; equal masks have equal noise.
  std::vector<uint32_t> key;
};

/// `maps` [count, positions]. Without `merge` every map is a group of its own; with `skipConstant` constant ones are
/// none.
DistinctMaps findDistinctMaps(const float* maps, std::size_t count, std::size_t positions,
                              const kernels::MaskRule& rule, bool merge, bool skipConstant);

struct DistinctSets {
  /// [distinct, channels].
  std::vector<uint8_t> sets;
  /// Per given set: its row in `sets`.
  std::vector<uint32_t> group;
};

/// Sets of channels [count, channels], equal ones kept once with `merge`.
DistinctSets findDistinctSets(std::vector<uint8_t> sets, std::size_t channels, bool merge);

}  // namespace onnx_cam
