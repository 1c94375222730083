#include "kernels/mask/mask_batch.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/map/interpolation.hpp"

namespace onnx_cam::kernels {
namespace {

double sourceOf(std::size_t target, std::size_t from, std::size_t to, MaskGrid grid) {
  if (grid == MaskGrid::alignCorners) return alignedSource(target, from, to);
  const double last = static_cast<double>(from - 1);
  const double source = halfPixelSource(target, from, to);
  if (grid == MaskGrid::mirror) {
    if (source < 0) return std::min(-source, last);
    if (source > last) return std::max(2 * last - source, 0.0);
  }
  return std::clamp(source, 0.0, last);
}

void blendRows(const float* __restrict low, const float* __restrict high, float weight, std::size_t width,
               float* __restrict out) {
  const float rest = 1 - weight;
  for (std::size_t x = 0; x < width; x++) out[x] = rest * low[x] + weight * high[x];
}

void addExtremes(const float* row, std::size_t width, MaskExtremes& extremes) {
  constexpr std::size_t kLanes = 16;
  float low[kLanes], high[kLanes];
  std::fill_n(low, kLanes, extremes.low);
  std::fill_n(high, kLanes, extremes.high);
  std::size_t x = 0;
  for (; x + kLanes <= width; x += kLanes) {
    for (std::size_t j = 0; j < kLanes; j++) {
      low[j] = row[x + j] < low[j] ? row[x + j] : low[j];
      high[j] = row[x + j] > high[j] ? row[x + j] : high[j];
    }
  }
  for (std::size_t j = 0; j < kLanes; j++) {
    extremes.low = std::min(extremes.low, low[j]);
    extremes.high = std::max(extremes.high, high[j]);
  }
  for (; x < width; x++) extremes.add(row[x]);
}

void paintPlane(const float* __restrict image, const float* __restrict mask, std::size_t width, float* __restrict out) {
  for (std::size_t x = 0; x < width; x++) out[x] = image[x] * mask[x];
}

void blendPlane(const float* __restrict image, const float* __restrict background, const float* __restrict mask,
                std::size_t width, float* __restrict out) {
  for (std::size_t x = 0; x < width; x++) out[x] = image[x] * mask[x] + background[x] * (1 - mask[x]);
}

}  // namespace

MaskAxis::MaskAxis(std::size_t from, std::size_t to, MaskGrid grid) : low(to), high(to), weight(to) {
  for (std::size_t i = 0; i < to; i++) {
    const double source = sourceOf(i, from, to, grid);
    const std::size_t base = static_cast<std::size_t>(source);
    low[i] = static_cast<uint32_t>(base);
    high[i] = static_cast<uint32_t>(std::min(base + 1, from - 1));
    weight[i] = static_cast<float>(source - static_cast<double>(base));
  }
}

MaskPlan::MaskPlan(std::size_t height, std::size_t width, std::size_t canvasHeight, std::size_t canvasWidth,
                   MaskGrid grid)
    : height(height), width(width), rows(height, canvasHeight, grid), columns(width, canvasWidth, grid) {}

void MaskPainter::prepare(const float* map, const MaskRule& rule, float scale, MaskOffset offset,
                          std::size_t imageHeight, std::size_t imageWidth) {
  offset_ = offset;
  imageHeight_ = imageHeight;
  imageWidth_ = imageWidth;
  mask_.resize(imageWidth);
  rows_.resize(plan_.height * imageWidth);
  MaskExtremes small;
  if (rule.stretch == MaskStretch::none) {
    small = {0, 1};
  } else {
    for (std::size_t i = 0; i < plan_.height * plan_.width; i++) small.add(map[i]);
  }
  const uint32_t* low = &plan_.columns.low[offset.x];
  const uint32_t* high = &plan_.columns.high[offset.x];
  const float* weight = &plan_.columns.weight[offset.x];
  for (std::size_t y = 0; y < plan_.height; y++) {
    const float* source = map + y * plan_.width;
    float* target = &rows_[y * imageWidth];
    // Less its minimum from the start, so that a large offset does not eat the digits of a small range.
    for (std::size_t x = 0; x < imageWidth; x++) {
      target[x] = blend(source[low[x]] - small.low, source[high[x]] - small.low, weight[x]);
    }
  }
  float lowest = 0, range = small.high - small.low;
  if (rule.stretch == MaskStretch::after && range != 0) {
    const MaskExtremes whole = extremes();
    lowest = whole.low;
    range = whole.high - whole.low;
  }
  stretch(maskStretching(rule, small.low, lowest, range, scale));
}

// Folds the stretching into the horizontally upsampled rows, which have lost the base already.
void MaskPainter::stretch(const MaskStretching& stretching) {
  for (float& value : rows_) value = (value - stretching.low) * stretching.factor + stretching.shift;
}

// Of the upsampled map: between two source rows it is linear in y.
MaskExtremes MaskPainter::extremes() {
  MaskExtremes result;
  const uint32_t* base = &plan_.rows.low[offset_.y];
  for (std::size_t y = 0; y < imageHeight_; y++) {
    const bool inside = y > 0 && y + 1 < imageHeight_ && base[y - 1] == base[y] && base[y + 1] == base[y];
    if (inside) continue;
    row(y, mask_.data());
    addExtremes(mask_.data(), imageWidth_, result);
  }
  return result;
}

void MaskPainter::row(std::size_t y, float* out) const {
  const std::size_t i = y + offset_.y;
  blendRows(&rows_[plan_.rows.low[i] * imageWidth_], &rows_[plan_.rows.high[i] * imageWidth_], plan_.rows.weight[i],
            imageWidth_, out);
}

void MaskPainter::paint(const MaskedImage& image, const float* noise, float* out) {
  const std::size_t width = image.width, plane = image.height * width;
  float* mask = mask_.data();
  for (std::size_t y = 0; y < image.height; y++) {
    row(y, mask);
    if (noise != nullptr) {
      for (std::size_t x = 0; x < width; x++) mask[x] += noise[y * width + x];
    }
    if (image.channelsLast) {
      const std::size_t start = y * width * image.channels;
      for (std::size_t x = 0; x < width; x++) {
        for (std::size_t c = 0; c < image.channels; c++) {
          const std::size_t i = start + x * image.channels + c;
          const float behind = image.background == nullptr ? 0 : image.background[i] * (1 - mask[x]);
          out[i] = image.image[i] * mask[x] + behind;
        }
      }
      continue;
    }
    for (std::size_t c = 0; c < image.channels; c++) {
      const std::size_t start = c * plane + y * width;
      if (image.background == nullptr) {
        paintPlane(image.image + start, mask, width, out + start);
      } else {
        blendPlane(image.image + start, image.background + start, mask, width, out + start);
      }
    }
  }
}

void sumMasks(const MaskPlan& plan, const float* maps, std::size_t count, const MaskOffset* offsets,
              const double* weights, std::size_t targets, std::size_t height, std::size_t width, float* out) {
  // Rows are shared out, not maps, so that every sum has one order.
  parallelFor(height, 16, [&](std::size_t begin, std::size_t end) {
    MaskPainter painter(plan);
    std::vector<double> sums(targets * (end - begin) * width, 0.0);
    std::vector<float> mask(width);
    for (std::size_t n = 0; n < count; n++) {
      checkInterruption();
      painter.prepare(maps + n * plan.height * plan.width, {MaskStretch::none, 0, false}, 1, offsets[n], height, width);
      for (std::size_t y = begin; y < end; y++) {
        painter.row(y, mask.data());
        for (std::size_t t = 0; t < targets; t++) {
          const double weight = weights[n * targets + t];
          double* sum = &sums[(t * (end - begin) + y - begin) * width];
          for (std::size_t x = 0; x < width; x++) sum[x] += weight * mask[x];
        }
      }
    }
    for (std::size_t t = 0; t < targets; t++) {
      const double* source = &sums[t * (end - begin) * width];
      std::copy_n(source, (end - begin) * width, out + (t * height + begin) * width);
    }
  });
}

}  // namespace onnx_cam::kernels
