// The loops of the solver of impute_pixels.hpp over planes of a grid, compiled for each instruction set.
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

/// A plane [height, width] with a border of one cell, in which everything is 0: loops run over rows and border alike.
struct Grid {
  std::size_t height = 0;
  std::size_t width = 0;

  std::size_t stride() const { return width + 2; }
  std::size_t cells() const { return (height + 2) * stride(); }
  std::size_t at(std::size_t y, std::size_t x) const { return (y + 1) * stride() + x + 1; }
  std::size_t first() const { return at(0, 0); }
  /// Behind the last cell.
  std::size_t last() const { return at(height - 1, width); }
};

/// The picture's own operator: u · degree − 2 · (side neighbours) − (diagonal ones) where `mask` is 1, nothing where it is 0.
struct PictureStencil {
  const float* degree = nullptr;
  const float* mask = nullptr;
};

/// A symmetric nine-point operator: a cell's own coefficient and those towards four of its neighbours.
struct Stencil {
  const float* centre = nullptr;
  const float* east = nullptr;
  const float* southWest = nullptr;
  const float* south = nullptr;
  const float* southEast = nullptr;
};

struct GridLoops {
  /// u = inverse · f
  void (*start)(const Grid&, const float* inverse, const float* f, float* u);
  /// rest = f − A u
  void (*pictureRest)(const Grid&, const PictureStencil&, const float* f, const float* u, float* rest);
  void (*rest)(const Grid&, const Stencil&, const float* f, const float* u, float* rest);
  /// out = u + inverse · (f − A u)
  void (*pictureSmooth)(const Grid&, const PictureStencil&, const float* inverse, const float* f, const float* u,
                        float* out);
  void (*smooth)(const Grid&, const Stencil&, const float* inverse, const float* f, const float* u, float* out);
  /// coarse = mask · Pᵀ fine, P bilinear; `row` has room for a row of the fine grid.
  void (*restrictTo)(const Grid& coarse, const float* mask, const Grid& fine, const float* from, float* row, float* to);
  /// fine += mask · P coarse; `rows` has room for two rows of the fine grid.
  void (*prolong)(const Grid& coarse, const float* from, const Grid& fine, const float* mask, float* rows, float* to);
  /// q = A p; returns p · q.
  double (*apply)(const Grid&, const PictureStencil&, const double* p, double* q);
  /// x += alpha p, r −= alpha q, f = r; returns r · r.
  double (*advance)(const Grid&, double alpha, const double* p, const double* q, double* x, double* r, float* f);
  /// p = z + beta p
  void (*turn)(const Grid&, double beta, const float* z, double* p);
  double (*dot)(const Grid&, const double* r, const float* z);
};

/// Those of the tier in use.
const GridLoops& gridLoops();

}  // namespace onnx_cam::kernels
