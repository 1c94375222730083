// Multigrid for the holes of a picture: one V-cycle is an approximate inverse of the operator that impute_pixels.hpp solves.
//
//   (A u)_v = Σ_w c_vw · (u_v − u_w),  w over the neighbours that v has in the picture, c = 2 to the sides, 1 diagonally
//
// for removed cells v; u is 0 at all others. Each level has half the cells of the one before along both axes (every second
// one, and only those that were removed), interpolation is bilinear and 0 at kept cells, operators are PᵀAP: symmetric and
// positive whatever the holes look like. One weighted Jacobi step before and one after the coarse correction, the same
// weights both times, so that the cycle is symmetric too, as conjugate gradients need it; weights are small enough to
// converge on any operator. Values in float: it is an approximation anyway. Edge cases: grids of one row or column; holes of
// single pixels have no coarser level and are smoothed alone.
// Source: Briggs, Henson, McCormick, A Multigrid Tutorial (Galerkin coarsening); Baker et al., SIAM J. Sci. Comput. 33
// (l1 smoothers).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/impute/grid_loops.hpp"

namespace onnx_cam::kernels {

class Multigrid {
 public:
  /// `removed` [height, width]: 1 for cells that are solved for, 0 for kept ones.
  Multigrid(std::size_t height, std::size_t width, const std::vector<std::uint8_t>& removed);

  const Grid& grid() const { return levels_[0].grid; }
  PictureStencil picture() const { return {degree_.data(), levels_[0].mask.data()}; }
  /// What the next cycle is for; 0 wherever nothing was removed.
  float* right() { return levels_[0].f.data(); }
  /// u ≈ A⁻¹ · right(), valid until the next cycle.
  const float* cycle();

 private:
  struct Level {
    Grid grid;
    std::vector<float> mask, inverse;
    /// Empty on the first level, which has a shorter form of its own.
    std::vector<float> centre, east, southWest, south, southEast;
    std::vector<float> f, u, rest;

    Stencil stencil() const { return {centre.data(), east.data(), southWest.data(), south.data(), southEast.data()}; }
  };

  void cycle(std::size_t level);

  std::vector<float> degree_;
  std::vector<Level> levels_;
  std::vector<float> rows_;
};

}  // namespace onnx_cam::kernels
