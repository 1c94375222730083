#include "kernels/mask/gaussian_blur.hpp"

#include <cmath>
#include <vector>

#include "kernels/picture/picture_values.hpp"

namespace onnx_cam::kernels {
namespace {

std::vector<float> gaussianWeights(std::size_t radius, double deviation) {
  std::vector<double> exact(2 * radius + 1);
  double sum = 0;
  for (std::size_t i = 0; i < exact.size(); i++) {
    const double distance = static_cast<double>(i) - static_cast<double>(radius);
    sum += exact[i] = std::exp(-distance * distance / (2 * deviation * deviation));
  }
  std::vector<float> weights;
  for (const double weight : exact) weights.push_back(static_cast<float>(weight / sum));
  return weights;
}

}  // namespace

void gaussianBlur(const float* image, std::size_t channels, std::size_t height, std::size_t width, bool channelsLast,
                  std::size_t radius, double deviation, float* out) {
  blurPicture(image, {channels, height, width, channelsLast}, gaussianWeights(radius, deviation), Border::reflect, out);
}

}  // namespace onnx_cam::kernels
