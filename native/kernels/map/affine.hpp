// An affine mapping from the pixels of a result to places in its source, and the four samples around such a place.
#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/map/resize.hpp"

namespace onnx_cam::kernels {

/// Where sample (x, y) of the result lies in the source: (xx·x + xy·y + x0, yx·x + yy·y + y0); samples are at whole numbers.
struct Affine {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;

  double sourceX(double x, double y) const { return xx * x + (xy * y + x0); }
  double sourceY(double x, double y) const { return yx * x + (yy * y + y0); }
};

/// Calls sample(x, y, weight) for those of the four samples around a place that lie inside the source and have a weight. A
/// place that isn't finite has none.
template <class Sample>
void eachSample(double sourceX, double sourceY, MapSize from, Sample sample) {
  const double width = static_cast<double>(from.width), height = static_cast<double>(from.height);
  if (!(sourceX > -1 && sourceX < width && sourceY > -1 && sourceY < height)) return;
  const double left = std::floor(sourceX), top = std::floor(sourceY);
  const double right = sourceX - left, below = sourceY - top;
  for (int j = 0; j < 2; j++) {
    const double y = top + j, weightY = j == 0 ? 1 - below : below;
    if (y < 0 || y >= height || weightY == 0) continue;
    for (int i = 0; i < 2; i++) {
      const double x = left + i, weightX = i == 0 ? 1 - right : right;
      if (x < 0 || x >= width || weightX == 0) continue;
      sample(static_cast<std::size_t>(x), static_cast<std::size_t>(y), weightX * weightY);
    }
  }
}

}  // namespace onnx_cam::kernels
