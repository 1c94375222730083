#include "kernels/mask/random_grids.hpp"

namespace onnx_cam::kernels {

void randomGrids(Random random, std::size_t masks, GridCells cells, double p, float* grids, std::uint32_t* offsets) {
  for (std::size_t n = 0; n < masks; n++) {
    for (std::size_t j = 0; j < cells.count; j++) *grids++ = random.uniform() < p ? 1.0f : 0.0f;
    *offsets++ = static_cast<std::uint32_t>(random.uniform() * static_cast<double>(cells.height));
    *offsets++ = static_cast<std::uint32_t>(random.uniform() * static_cast<double>(cells.width));
  }
}

}  // namespace onnx_cam::kernels
