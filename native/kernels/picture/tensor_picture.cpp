#include "kernels/picture/tensor_picture.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/base/parallel.hpp"
#include "kernels/map/map_ranges.hpp"

namespace onnx_cam::kernels {

void tensorPicture(const float* tensor, std::size_t count, PlaneSteps steps, std::size_t height, std::size_t width,
                   std::uint8_t* out) {
  float range[3];
  mapRanges(tensor, 1, count, range);
  const double low = range[0], scale = range[1] > range[0] ? 255 / (static_cast<double>(range[1]) - low) : 0;
  parallelFor(height, grainFor(20 * width), [=](std::size_t begin, std::size_t end) {
    for (std::size_t y = begin; y < end; y++) {
      for (std::size_t x = 0; x < width; x++) {
        const float* pixel = tensor + steps.start + y * steps.row + x * steps.column;
        for (std::size_t c = 0; c < 3; c++) {
          const double value = std::floor((pixel[c * steps.channel] - low) * scale + 0.5);
          out[3 * (y * width + x) + c] = static_cast<std::uint8_t>(value > 0 ? std::min(value, 255.0) : 0);
        }
      }
    }
  });
}

}  // namespace onnx_cam::kernels
