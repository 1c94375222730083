#include "kernels/cuda/grid.cuh"
#include "scoring/cuda_scoring.hpp"

namespace onnx_cam::kernels::cuda {
namespace {

using Kind = ActivationChange::Kind;

/// The weight of position (y, x) in the neighbourhood of (row, column): [1 2 1; 2 4 2; 1 2 1] / 16.
__device__ float neighbourWeight(std::size_t y, std::size_t x, std::size_t row, std::size_t column) {
  const std::size_t dy = y > row ? y - row : row - y, dx = x > column ? x - column : column - x;
  if (dy > 1 || dx > 1) return 0;
  return (dy == 0 ? 0.5f : 0.25f) * (dx == 0 ? 0.5f : 0.25f);
}

__device__ float changedValue(const ActivationChange& change, std::size_t item, std::size_t k, std::size_t i) {
  const std::size_t area = change.height * change.width;
  const float value = change.layer[k * area + i];
  switch (change.kind) {
    case Kind::channels:
      return change.channels[item] == k ? change.values[item] : value;
    case Kind::sets:
      return change.sets[item * change.channelCount + k] != 0 ? value : 0;
    case Kind::position:
      return i == item ? value : 0;
    default: {
      const float weight =
          neighbourWeight(i / change.width, i % change.width, item / change.width, item % change.width);
      if (weight == 0) return 0;
      return (change.kind == Kind::kept ? value : change.layer[k * area + item]) * weight;
    }
  }
}

template <class T>
__global__ void changeAll(ActivationChange change, std::size_t count, T* out) {
  const std::size_t area = change.height * change.width, size = change.channelCount * area;
  for (std::size_t index = gridIndex(); index < count * size; index += gridSize()) {
    const std::size_t at = index % size;
    store(changedValue(change, change.begin + index / size, at / area, at % area), out + index);
  }
}

}  // namespace

int changeActivations(const ActivationChange& change, std::size_t count, Element element, void* out, Stream stream) {
  const std::size_t size = change.channelCount * change.height * change.width;
  return withElement(element, [&](auto zero) {
    using T = decltype(zero);
    return launch(changeAll<T>, gridFor(count * size), kBlock, stream, change, count, static_cast<T*>(out));
  });
}

}  // namespace onnx_cam::kernels::cuda
