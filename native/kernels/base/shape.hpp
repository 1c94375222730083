// How the kernels see a batch of feature maps.
#pragma once

#include <cstddef>

namespace onnx_cam::kernels {

/// Images × channels × positions; the positions of a channel ([h, w] or [D, h, w]) lie one behind the other.
struct Shape {
  std::size_t images = 0;
  std::size_t channels = 0;
  std::size_t positions = 0;

  std::size_t perImage() const { return channels * positions; }
  std::size_t size() const { return images * channels * positions; }
};

/// Feature maps [images, channels, positions], row-major. `imageStep` is the distance from one image to the next: 0
/// when one image stands for the whole batch (several targets of one picture).
struct Features {
  const float* data = nullptr;
  std::size_t imageStep = 0;

  const float* image(std::size_t index) const { return data + index * imageStep; }
};

/// Gradients, or channel weights. Lazy ones have a single position that stands for all: [images, channels, 1].
struct Gradients {
  const float* data = nullptr;
  std::size_t imageStep = 0;
  bool lazy = false;

  const float* image(std::size_t index) const { return data + index * imageStep; }
};

}  // namespace onnx_cam::kernels
