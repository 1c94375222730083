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

/// value(pixel, c) for every pixel of every channel.
template <class Source, class Value>
void fillTensor(const Source* pixels, std::size_t count, std::size_t channels, const PixelNormalization& normalization,
                float* tensor, Value value) {
  const bool planar = normalization.planar;
  parallelFor(count, grainFor(4 * channels), [&](std::size_t begin, std::size_t end) {
    for (std::size_t c = 0; c < channels; c++) {
      const Source* source = pixels + (normalization.reversed ? channels - 1 - c : c);
      if (planar) {
        float* plane = tensor + c * count;
        for (std::size_t i = begin; i < end; i++) plane[i] = value(source[i * channels], c);
      } else {
        for (std::size_t i = begin; i < end; i++) tensor[i * channels + c] = value(source[i * channels], c);
      }
    }
  });
}

template <class Source>
void normalize(const Source* pixels, std::size_t count, std::size_t channels, const PixelNormalization& normalization,
               float* tensor) {
  const PixelNormalization& n = normalization;
  fillTensor(pixels, count, channels, n, tensor, [&n](Source pixel, std::size_t c) {
    return static_cast<float>((static_cast<double>(pixel) * n.scale - n.mean[c]) / n.std[c]);
  });
}

}  // namespace

void imageToTensor(const std::uint8_t* pixels, std::size_t count, std::size_t channels,
                   const PixelNormalization& normalization, float* tensor) {
  const Tables tables = tablesFor(channels, normalization);
  fillTensor(pixels, count, channels, normalization, tensor,
             [&tables](std::uint8_t pixel, std::size_t c) { return tables.values[c][pixel]; });
}

void imageToTensor(const float* pixels, std::size_t count, std::size_t channels,
                   const PixelNormalization& normalization, float* tensor) {
  normalize(pixels, count, channels, normalization, tensor);
}

void imageToTensor(const double* pixels, std::size_t count, std::size_t channels,
                   const PixelNormalization& normalization, float* tensor) {
  normalize(pixels, count, channels, normalization, tensor);
}

}  // namespace onnx_cam::kernels
