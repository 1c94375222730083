// Operators of coarser grids for multigrid.hpp: PᵀAP, with P bilinear between every second cell.
#pragma once

#include <vector>

#include "kernels/impute/grid_loops.hpp"

namespace onnx_cam::kernels {

/// The coefficients of a symmetric nine-point operator.
struct Operator {
  Grid grid;
  std::vector<float> centre, east, southWest, south, southEast;

  explicit Operator(const Grid& of);
};

/// That of a picture's holes (multigrid.hpp); `mask` is 1 at removed cells.
Operator pictureOperator(const Grid& grid, const std::vector<float>& degree, const std::vector<float>& mask);

/// Its sums over the cells that surround every second one: half as many along both axes, rounded up.
Operator coarsen(const Operator& fine);

/// Drops the rows and columns of cells whose mask is 0.
void applyMask(Operator& of, const std::vector<float>& mask);

}  // namespace onnx_cam::kernels
