// Random grids of masks and how far each is shifted (RISE).
//
//   grid[n,j] = 1 where u < p, else 0, for each of its cells;  offset[n] = (⌊u h⌋, ⌊u w⌋) with the cell's height and width
//
// u uniform in [0, 1): first the cells of a mask, then its two offsets. Layout: grids [N, cells²], offsets [N, 2] (y, x).
// Source: Petsiuk et al., BMVC 2018 (arXiv:1806.07421), as the official code has it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/mask/random.hpp"

namespace onnx_cam::kernels {

struct GridCells {
  /// Cells of a mask, all sides together.
  std::size_t count;
  /// Of one cell, in pixels.
  std::size_t height;
  std::size_t width;
};

void randomGrids(Random random, std::size_t masks, GridCells cells, double p, float* grids, std::uint32_t* offsets);

}  // namespace onnx_cam::kernels
