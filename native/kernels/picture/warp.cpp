#include "kernels/picture/warp.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/base/tier.hpp"

namespace onnx_cam::kernels {
namespace {

/// One entry per pixel.
struct InsideSamples {
  std::int32_t* first;
  float* right;
  float* below;
};

#define ONNX_CAM_KERNEL "kernels/picture/warp.inl"
#include "kernels/base/each_tier.inl"

constexpr std::size_t kOperationsPerValue = 8;

/// A row of all planes; buffers are reused from one to the next.
class RowWarper {
 public:
  RowWarper(const WarpLayout& layout, const float* fill)
      : layout_(layout), fill_(fill), first_(layout.width), right_(layout.width), below_(layout.width) {}

  void warpRow(const float* image, const Affine& mapping, std::size_t y, float* out) {
    const auto [begin, end] = insideOf(mapping, y);
    const InsideSamples samples{first_.data(), right_.data(), below_.data()};
    ONNX_CAM_DISPATCH(insideSamples)(mapping, y, begin, end, layout_, samples);
    const std::size_t planeSize = layout_.height * layout_.row();
    for (std::size_t p = 0; p < layout_.planes; p++) {
      const float* plane = image + p * planeSize;
      float* target = out + p * planeSize + y * layout_.row();
      if (layout_.inner == 1) {
        ONNX_CAM_DISPATCH(blendPlanar)(plane, layout_.width, samples, end - begin, target + begin);
      } else {
        ONNX_CAM_DISPATCH(blendInterleaved)
        (plane, layout_, samples, end - begin, target + begin * layout_.inner);
      }
      const float* fill = fill_ == nullptr ? nullptr : fill_ + p * layout_.inner;
      for (std::size_t x = 0; x < begin; x++) warpEdge(plane, mapping, x, y, fill, target);
      for (std::size_t x = end; x < layout_.width; x++) warpEdge(plane, mapping, x, y, fill, target);
    }
  }

 private:
  struct Range {
    std::size_t begin, end;
  };

  bool isInside(const Affine& mapping, std::size_t x, std::size_t y) const {
    const double u = mapping.sourceX(static_cast<double>(x), static_cast<double>(y));
    const double v = mapping.sourceY(static_cast<double>(x), static_cast<double>(y));
    return u >= 0 && v >= 0 && u < static_cast<double>(layout_.width - 1) &&
           v < static_cast<double>(layout_.height - 1);
  }

  /// The pixels of a row whose four samples all lie inside: one stretch, since the mapping is affine.
  Range insideOf(const Affine& mapping, std::size_t y) const {
    std::size_t begin = 0, end = layout_.width;
    while (begin < end && !isInside(mapping, begin, y)) begin++;
    while (end > begin && !isInside(mapping, end - 1, y)) end--;
    return {begin, end};
  }

  void warpEdge(const float* plane, const Affine& mapping, std::size_t x, std::size_t y, const float* fill,
                float* target) const {
    const double u = mapping.sourceX(static_cast<double>(x), static_cast<double>(y));
    const double v = mapping.sourceY(static_cast<double>(x), static_cast<double>(y));
    for (std::size_t c = 0; c < layout_.inner; c++) {
      float sum = 0;
      double weights = 0;
      eachSample(u, v, {layout_.height, layout_.width}, [&](std::size_t column, std::size_t row, double weight) {
        sum += static_cast<float>(weight) * plane[row * layout_.row() + column * layout_.inner + c];
        weights += weight;
      });
      if (fill != nullptr) sum += static_cast<float>(1 - weights) * fill[c];
      target[x * layout_.inner + c] = sum;
    }
  }

  WarpLayout layout_;
  const float* fill_;
  std::vector<std::int32_t> first_;
  std::vector<float> right_, below_;
};

}  // namespace

void warp(const float* images, std::size_t imageStep, const WarpLayout& layout, const Affine* mappings,
          std::size_t count, const float* fill, float* out) {
  const std::size_t height = layout.height;
  const std::size_t grain = grainFor(kOperationsPerValue * layout.planes * layout.row());
  parallelFor(count * height, grain, [&](std::size_t begin, std::size_t end) {
    RowWarper warper(layout, fill);
    for (std::size_t i = begin; i < end; i++) {
      checkInterruption();
      const std::size_t n = i / height;
      warper.warpRow(images + n * imageStep, mappings[n], i % height, out + n * layout.size());
    }
  });
}

}  // namespace onnx_cam::kernels
