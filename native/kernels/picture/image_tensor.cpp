#include "kernels/picture/image_tensor.hpp"

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

struct Tables {
  float values[3][256];
};

Tables tablesFor(std::size_t channels, const PixelNormalization& normalization) {
  Tables tables;
  for (std::size_t c = 0; c < channels; c++) {
    for (int value = 0; value < 256; value++) {
      tables.values[c][value] =
          static_cast<float>((value * normalization.scale - normalization.mean[c]) / normalization.std[c]);
    }
  }
  return tables;
}

}  // namespace

void imageToTensor(const std::uint8_t* pixels, std::size_t count, std::size_t channels,
                   const PixelNormalization& normalization, float* tensor) {
  const Tables tables = tablesFor(channels, normalization);
  const bool planar = normalization.planar;
  parallelFor(count, grainFor(4 * channels), [&](std::size_t begin, std::size_t end) {
    for (std::size_t c = 0; c < channels; c++) {
      const float* table = tables.values[c];
      const std::uint8_t* source = pixels + (normalization.reversed ? channels - 1 - c : c);
      if (planar) {
        float* plane = tensor + c * count;
        for (std::size_t i = begin; i < end; i++) plane[i] = table[source[i * channels]];
      } else {
        for (std::size_t i = begin; i < end; i++) tensor[i * channels + c] = table[source[i * channels]];
      }
    }
  });
}

}  // namespace onnx_cam::kernels
