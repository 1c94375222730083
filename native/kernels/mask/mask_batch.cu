#include "kernels/cuda/grid.cuh"
#include "kernels/map/interpolation.hpp"

namespace onnx_cam::kernels::cuda {
namespace {

struct Item {
  const float* map;
  float scale;
  MaskOffset offset;
};

__device__ Item itemOf(const MaskView& masks, std::size_t index) {
  const std::size_t item = masks.begin + index;
  const std::size_t map = masks.select[item / masks.repeats];
  const MaskOffset offset = masks.offsets == nullptr ? MaskOffset{0, 0} : masks.offsets[map];
  return {masks.maps + map * masks.height * masks.width, masks.scales[item % masks.repeats], offset};
}

/// A value of the upsampled map with its stretching folded in, rows last as on the CPU.
__device__ float maskAt(const MaskView& masks, const Item& item, const MaskStretching& stretching, std::size_t y,
                        std::size_t x) {
  const std::size_t row = y + item.offset.y, column = x + item.offset.x;
  const std::size_t left = masks.columns.low[column], right = masks.columns.high[column];
  const float across = masks.columns.weight[column];
  const auto stretched = [&](std::size_t source) {
    const float* values = item.map + source * masks.width;
    const float value = blend(values[left] - stretching.base, values[right] - stretching.base, across);
    return (value - stretching.low) * stretching.factor + stretching.shift;
  };
  return blend(stretched(masks.rows.low[row]), stretched(masks.rows.high[row]), masks.rows.weight[row]);
}

/// A block for each item: the extremes of the small map and, where the upsampled one is stretched, of that.
__global__ void findStretchings(MaskView masks, std::size_t height, std::size_t width, MaskStretching* stretchings) {
  const Item item = itemOf(masks, blockIdx.x);
  float base = 0, low = 0, range = 1;
  if (masks.rule.stretch != MaskStretch::none) {
    Extremes own = noExtremes();
    for (std::size_t i = threadIdx.x; i < masks.height * masks.width; i += kBlock) own.add(item.map[i]);
    const Extremes small = blockExtremes(own);
    base = small.low;
    range = small.high - small.low;
  }
  if (masks.rule.stretch == MaskStretch::after && range != 0) {
    const MaskStretching plain = {base, 0, 1, 0};
    const std::uint32_t* source = masks.rows.low + item.offset.y;
    Extremes own = noExtremes();
    for (std::size_t i = threadIdx.x; i < height * width; i += kBlock) {
      const std::size_t y = i / width;
      // Between two source rows the map is linear in y: its extremes lie in the first and last row of each interval.
      if (y > 0 && y + 1 < height && source[y - 1] == source[y] && source[y + 1] == source[y]) continue;
      own.add(maskAt(masks, item, plain, y, i % width));
    }
    const Extremes whole = blockExtremes(own);
    low = whole.low;
    range = whole.high - whole.low;
  }
  if (threadIdx.x == 0) stretchings[blockIdx.x] = maskStretching(masks.rule, base, low, range, item.scale);
}

/// A thread for each pixel of each item: the mask once, then all channels.
template <class T>
__global__ void paint(MaskView masks, MaskedImage image, std::size_t count, const MaskStretching* stretchings, T* out) {
  const std::size_t plane = image.height * image.width;
  const std::size_t channelStep = image.channelsLast ? 1 : plane, pixelStep = image.channelsLast ? image.channels : 1;
  for (std::size_t index = gridIndex(); index < count * plane; index += gridSize()) {
    const std::size_t item = index / plane, pixel = index % plane;
    const float mask = maskAt(masks, itemOf(masks, item), stretchings[item], pixel / image.width, pixel % image.width);
    T* slot = out + item * image.channels * plane;
    for (std::size_t c = 0; c < image.channels; c++) {
      const std::size_t i = pixel * pixelStep + c * channelStep;
      const float behind = image.background == nullptr ? 0 : image.background[i] * (1 - mask);
      store(image.image[i] * mask + behind, slot + i);
    }
  }
}

}  // namespace

int paintMasks(const MaskView& masks, const MaskedImage& image, std::size_t count, MaskStretching* stretchings,
               Element element, void* out, Stream stream) {
  if (const int error = launch(findStretchings, count, kBlock, stream, masks, image.height, image.width, stretchings)) {
    return error;
  }
  return withElement(element, [&](auto zero) {
    using T = decltype(zero);
    return launch(paint<T>, gridFor(count * image.height * image.width), kBlock, stream, masks, image, count,
                  stretchings, static_cast<T*>(out));
  });
}

}  // namespace onnx_cam::kernels::cuda
