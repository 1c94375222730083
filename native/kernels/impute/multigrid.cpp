#include "kernels/impute/multigrid.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/impute/coarsen.hpp"

namespace onnx_cam::kernels {
namespace {

/// Jacobi weights that damp the upper half of the frequencies best: of the picture's operator, of those of coarser grids,
/// and of grids of one row or column.
constexpr float kPictureWeight = 1;
constexpr float kCoarseWeight = 8.0f / 9;
constexpr float kLineWeight = 2.0f / 3;

/// Divisors are at least half a row's absolute sum, and a little more: the step then converges whatever the operator.
constexpr float kRowShare = 0.51f;

bool isLine(const Grid& grid) { return grid.height == 1 || grid.width == 1; }

std::vector<float> degreesOf(const Grid& grid) {
  std::vector<float> inside(grid.cells()), degree(grid.cells());
  for (std::size_t y = 0; y < grid.height; y++) std::fill_n(&inside[grid.at(y, 0)], grid.width, 1.0f);
  const std::size_t stride = grid.stride();
  for (std::size_t i = grid.first(); i < grid.last(); i++) {
    const float sides = inside[i - 1] + inside[i + 1] + inside[i - stride] + inside[i + stride];
    const float diagonals =
        inside[i - stride - 1] + inside[i - stride + 1] + inside[i + stride - 1] + inside[i + stride + 1];
    degree[i] = inside[i] * (2 * sides + diagonals);
  }
  return degree;
}

std::vector<float> inverseOf(const Operator& a, float weight) {
  const std::size_t stride = a.grid.stride();
  const bool single = a.grid.height * a.grid.width == 1;
  std::vector<float> inverse(a.grid.cells());
  for (std::size_t i = a.grid.first(); i < a.grid.last(); i++) {
    if (!(a.centre[i] > 0)) continue;
    const float sum = std::abs(a.centre[i]) + std::abs(a.east[i]) + std::abs(a.east[i - 1]) + std::abs(a.south[i]) +
                      std::abs(a.south[i - stride]) + std::abs(a.southEast[i]) + std::abs(a.southEast[i - stride - 1]) +
                      std::abs(a.southWest[i]) + std::abs(a.southWest[i - stride + 1]);
    inverse[i] = 1 / (single ? a.centre[i] : std::max(a.centre[i] / weight, kRowShare * sum));
  }
  return inverse;
}

/// Every second cell's.
std::vector<float> coarseMask(const Grid& coarse, const Grid& fine, const std::vector<float>& mask) {
  std::vector<float> own(coarse.cells());
  for (std::size_t y = 0; y < coarse.height; y++) {
    for (std::size_t x = 0; x < coarse.width; x++) own[coarse.at(y, x)] = mask[fine.at(2 * y, 2 * x)];
  }
  return own;
}

}  // namespace

Multigrid::Multigrid(std::size_t height, std::size_t width, const std::vector<std::uint8_t>& removed)
    : rows_(2 * (width + 2)) {
  const Grid grid{height, width};
  degree_ = degreesOf(grid);
  Level first;
  first.grid = grid;
  first.mask.resize(grid.cells());
  for (std::size_t y = 0; y < height; y++) {
    for (std::size_t x = 0; x < width; x++) first.mask[grid.at(y, x)] = removed[y * width + x] != 0 ? 1.0f : 0.0f;
  }
  Operator own = pictureOperator(grid, degree_, first.mask);
  first.inverse = inverseOf(own, isLine(grid) ? kLineWeight : kPictureWeight);
  levels_.push_back(std::move(first));
  while (own.grid.height > 1 || own.grid.width > 1) {
    Operator coarse = coarsen(own);
    Level level;
    level.grid = coarse.grid;
    level.mask = coarseMask(coarse.grid, own.grid, levels_.back().mask);
    if (std::all_of(level.mask.begin(), level.mask.end(), [](float cell) { return cell == 0; })) break;
    applyMask(coarse, level.mask);
    level.inverse = inverseOf(coarse, isLine(level.grid) ? kLineWeight : kCoarseWeight);
    own = coarse;
    level.centre = std::move(coarse.centre);
    level.east = std::move(coarse.east);
    level.southWest = std::move(coarse.southWest);
    level.south = std::move(coarse.south);
    level.southEast = std::move(coarse.southEast);
    levels_.push_back(std::move(level));
  }
  for (Level& level : levels_) {
    for (auto* plane : {&level.f, &level.u, &level.rest}) plane->resize(level.grid.cells());
  }
}

const float* Multigrid::cycle() {
  cycle(0);
  return levels_[0].u.data();
}

void Multigrid::cycle(std::size_t index) {
  const GridLoops& loops = gridLoops();
  Level& level = levels_[index];
  const Grid& grid = level.grid;
  loops.start(grid, level.inverse.data(), level.f.data(), level.u.data());
  if (grid.height * grid.width == 1) return;
  if (index + 1 < levels_.size()) {
    Level& next = levels_[index + 1];
    if (index == 0) {
      loops.pictureRest(grid, picture(), level.f.data(), level.u.data(), level.rest.data());
    } else {
      loops.rest(grid, level.stencil(), level.f.data(), level.u.data(), level.rest.data());
    }
    loops.restrictTo(next.grid, next.mask.data(), grid, level.rest.data(), rows_.data(), next.f.data());
    cycle(index + 1);
    loops.prolong(next.grid, next.u.data(), grid, level.mask.data(), rows_.data(), level.u.data());
  }
  if (index == 0) {
    loops.pictureSmooth(grid, picture(), level.inverse.data(), level.f.data(), level.u.data(), level.rest.data());
  } else {
    loops.smooth(grid, level.stencil(), level.inverse.data(), level.f.data(), level.u.data(), level.rest.data());
  }
  level.u.swap(level.rest);
}

}  // namespace onnx_cam::kernels
