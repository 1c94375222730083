#include "kernels/mask/add_noise.hpp"

#include <algorithm>

namespace onnx_cam::kernels {

void addNoise(const float* images, std::size_t count, std::size_t size, std::size_t noisy, double sigma, Random& random,
              float* out) {
  for (std::size_t i = 0; i < size; i++) {
    const double noise = sigma * random.normal();
    for (std::size_t n = 0; n < noisy; n++) {
      out[n * size + i] = static_cast<float>(images[n * size + i] + noise);
    }
  }
  std::copy(images + noisy * size, images + count * size, out + noisy * size);
}

}  // namespace onnx_cam::kernels
