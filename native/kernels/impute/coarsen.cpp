#include "kernels/impute/coarsen.hpp"

namespace onnx_cam::kernels {
namespace {

/// What the cell behind coarse cell X gives to it: half, or all where no other coarse cell follows.
float weightBehind(std::size_t coarse, std::size_t count) { return 2 * coarse + 2 == count ? 1.0f : 0.5f; }

/// Along x. With a = 2X − 1 and b = 2X + 1 each line of the operator, a band of three, becomes a band of three:
/// its middle is T(2X,2X) + ¼T(a,a) + w²T(b,b) + ½(T(2X,a) + T(a,2X)) + w(T(2X,b) + T(b,2X)), w the weight behind,
/// and the one towards X + 1 is ½T(2X,b) + ¼T(b,b) + ½T(b,2X+2).
Operator coarsenRows(const Operator& fine) {
  Operator coarse({fine.grid.height, (fine.grid.width + 1) / 2});
  for (std::size_t y = 0; y < fine.grid.height; y++) {
    for (std::size_t x = 0; x < coarse.grid.width; x++) {
      const std::size_t i = fine.grid.at(y, 2 * x), a = i - 1, b = i + 1, to = coarse.grid.at(y, x);
      const float w = weightBehind(x, fine.grid.width);
      const auto &centre = fine.centre, &east = fine.east, &south = fine.south;
      const auto &west = fine.southWest, &right = fine.southEast;
      coarse.centre[to] = centre[i] + 0.25f * centre[a] + w * w * centre[b] + east[a] + 2 * w * east[i];
      coarse.south[to] =
          south[i] + 0.25f * south[a] + w * w * south[b] + 0.5f * (west[i] + right[a]) + w * (right[i] + west[b]);
      coarse.southWest[to] = 0.5f * west[i] + 0.25f * south[a] + 0.5f * west[a];
      if (x + 1 == coarse.grid.width) continue;
      coarse.east[to] = 0.5f * east[i] + 0.25f * centre[b] + 0.5f * east[b];
      coarse.southEast[to] = 0.5f * right[i] + 0.25f * south[b] + 0.5f * right[b];
    }
  }
  return coarse;
}

/// The same along y; the coefficient of (y, x) towards (y − 1, x + 1) is that of (y − 1, x + 1) towards its south-west.
Operator coarsenColumns(const Operator& fine) {
  Operator coarse({(fine.grid.height + 1) / 2, fine.grid.width});
  const std::size_t stride = fine.grid.stride();
  for (std::size_t y = 0; y < coarse.grid.height; y++) {
    const float w = weightBehind(y, fine.grid.height);
    const bool last = y + 1 == coarse.grid.height;
    for (std::size_t x = 0; x < fine.grid.width; x++) {
      const std::size_t i = fine.grid.at(2 * y, x), a = i - stride, b = i + stride, to = coarse.grid.at(y, x);
      const auto &centre = fine.centre, &east = fine.east, &south = fine.south;
      const auto &west = fine.southWest, &right = fine.southEast;
      coarse.centre[to] = centre[i] + 0.25f * centre[a] + w * w * centre[b] + south[a] + 2 * w * south[i];
      coarse.east[to] =
          east[i] + 0.25f * east[a] + w * w * east[b] + 0.5f * (west[a + 1] + right[a]) + w * (right[i] + west[i + 1]);
      if (last) continue;
      coarse.south[to] = 0.5f * south[i] + 0.25f * centre[b] + 0.5f * south[b];
      coarse.southEast[to] = 0.5f * right[i] + 0.25f * east[b] + 0.5f * right[b];
      coarse.southWest[to] = 0.5f * west[i] + 0.25f * east[b - 1] + 0.5f * west[b];
    }
  }
  return coarse;
}

}  // namespace

Operator::Operator(const Grid& of)
    : grid(of), centre(of.cells()), east(of.cells()), southWest(of.cells()), south(of.cells()), southEast(of.cells()) {}

Operator pictureOperator(const Grid& grid, const std::vector<float>& degree, const std::vector<float>& mask) {
  Operator made(grid);
  made.centre = degree;
  for (std::size_t i = grid.first(); i < grid.last(); i++) {
    made.east[i] = made.south[i] = -2;
    made.southWest[i] = made.southEast[i] = -1;
  }
  applyMask(made, mask);
  return made;
}

Operator coarsen(const Operator& fine) { return coarsenColumns(coarsenRows(fine)); }

void applyMask(Operator& of, const std::vector<float>& mask) {
  const std::size_t stride = of.grid.stride();
  for (std::size_t i = of.grid.first(); i < of.grid.last(); i++) {
    of.centre[i] *= mask[i];
    of.east[i] *= mask[i] * mask[i + 1];
    of.southWest[i] *= mask[i] * mask[i + stride - 1];
    of.south[i] *= mask[i] * mask[i + stride];
    of.southEast[i] *= mask[i] * mask[i + stride + 1];
  }
}

}  // namespace onnx_cam::kernels
