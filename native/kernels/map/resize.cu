#include "kernels/cuda/grid.cuh"
#include "kernels/map/interpolation.hpp"

namespace onnx_cam::kernels::cuda {
namespace {

constexpr int kMostTaps = 4;

/// The source samples of one target sample, as in resize.cpp.
struct Taps {
  std::size_t at[kMostTaps];
  float weight[kMostTaps];
  int count;
};

__device__ std::size_t clampedSample(double sample, std::size_t from) {
  if (sample < 0) return 0;
  return sample > static_cast<double>(from - 1) ? from - 1 : static_cast<std::size_t>(sample);
}

__device__ Taps tapsOf(std::size_t target, std::size_t from, std::size_t to, Interpolation interpolation) {
  if (interpolation == Interpolation::nearest) return {{nearestSource(target, from, to)}, {1}, 1};
  double source = interpolation == Interpolation::alignCorners ? alignedSource(target, from, to)
                                                               : halfPixelSource(target, from, to);
  if (interpolation != Interpolation::bicubic) {
    const double last = static_cast<double>(from - 1);
    source = source < 0 ? 0 : source > last ? last : source;
    const std::size_t low = static_cast<std::size_t>(source);
    const float weight = static_cast<float>(source - static_cast<double>(low));
    return {{low, low + 1 < from ? low + 1 : low}, {1 - weight, weight}, 2};
  }
  const double base = floor(source), t = source - base;
  return {{clampedSample(base - 1, from), clampedSample(base, from), clampedSample(base + 1, from),
           clampedSample(base + 2, from)},
          {static_cast<float>(cubicFar(1 + t)), static_cast<float>(cubicNear(t)), static_cast<float>(cubicNear(1 - t)),
           static_cast<float>(cubicFar(2 - t))},
          4};
}

__global__ void resizeAll(const float* maps, std::size_t count, MapSize from, MapSize to, Interpolation interpolation,
                          float* out) {
  const std::size_t area = to.height * to.width;
  for (std::size_t index = gridIndex(); index < count * area; index += gridSize()) {
    const float* map = maps + index / area * from.height * from.width;
    const Taps rows = tapsOf(index % area / to.width, from.height, to.height, interpolation);
    const Taps columns = tapsOf(index % to.width, from.width, to.width, interpolation);
    float sum = 0;
    for (int y = 0; y < rows.count; y++) {
      float row = 0;
      for (int x = 0; x < columns.count; x++) row += columns.weight[x] * map[rows.at[y] * from.width + columns.at[x]];
      sum += rows.weight[y] * row;
    }
    out[index] = sum;
  }
}

}  // namespace

int resizeMaps(const float* maps, std::size_t count, MapSize from, MapSize to, Interpolation interpolation, float* out,
               Stream stream) {
  if (from.height == to.height && from.width == to.width) {
    return cudaMemcpyAsync(out, maps, count * from.height * from.width * sizeof(float), cudaMemcpyDeviceToDevice,
                           static_cast<cudaStream_t>(stream));
  }
  return launch(resizeAll, gridFor(count * to.height * to.width), kBlock, stream, maps, count, from, to, interpolation,
                out);
}

}  // namespace onnx_cam::kernels::cuda
