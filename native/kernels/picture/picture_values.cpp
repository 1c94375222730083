#include "kernels/picture/picture_values.hpp"

#include <algorithm>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

constexpr std::size_t kOutside = static_cast<std::size_t>(-1);

/// The sample that stands for position i − radius of an axis.
std::size_t sampleAt(std::size_t i, std::size_t radius, std::size_t count, Border border) {
  const auto position = static_cast<long long>(i) - static_cast<long long>(radius);
  const auto length = static_cast<long long>(count);
  if (position >= 0 && position < length) return static_cast<std::size_t>(position);
  if (border == Border::zero) return kOutside;
  if (count == 1) return 0;
  const long long period = 2 * (length - 1);
  const long long within = (position % period + period) % period;
  return static_cast<std::size_t>(within < length ? within : period - within);
}

/// Blurs [outer, count, inner] along the middle axis.
void blurAxis(const float* in, std::size_t outer, std::size_t count, std::size_t inner,
              const std::vector<float>& kernel, Border border, float* out) {
  const std::size_t radius = kernel.size() / 2;
  // Lines that are samples apart: the loop over an axis's interior runs along memory instead.
  const std::size_t begin = inner == 1 ? std::min(radius, count) : count;
  const std::size_t end = inner == 1 ? std::max(begin, count - std::min(radius, count)) : count;
  parallelFor(outer, grainFor(2 * count * inner * kernel.size()), [&](std::size_t from, std::size_t to) {
    for (std::size_t o = from; o < to; o++) {
      checkInterruption();
      const float* source = in + o * count * inner;
      float* lines = out + o * count * inner;
      std::fill_n(lines, count * inner, 0.0f);
      for (std::size_t i = 0; i < count; i++) {
        if (i == begin) i = end;
        if (i == count) break;
        if (inner > 1) checkInterruption();
        float* target = lines + i * inner;
        for (std::size_t j = 0; j < kernel.size(); j++) {
          const std::size_t sample = sampleAt(i + j, radius, count, border);
          if (sample == kOutside) continue;
          const float* line = source + sample * inner;
          const float weight = kernel[j];
          for (std::size_t x = 0; x < inner; x++) target[x] += weight * line[x];
        }
      }
      for (std::size_t j = 0; j < kernel.size(); j++) {
        const float weight = kernel[j];
        for (std::size_t i = begin; i < end; i++) lines[i] += weight * source[i + j - radius];
      }
    }
  });
}

}  // namespace

void multiplyByMap(const float* image, const PictureLayout& layout, const float* map, float* out) {
  const std::size_t channels = layout.channels, pixels = layout.pixels();
  parallelFor(pixels, grainFor(2 * channels), [&](std::size_t begin, std::size_t end) {
    if (layout.channelsLast) {
      for (std::size_t i = begin; i < end; i++) {
        for (std::size_t c = 0; c < channels; c++) out[i * channels + c] = image[i * channels + c] * map[i];
      }
      return;
    }
    for (std::size_t c = 0; c < channels; c++) {
      for (std::size_t i = begin; i < end; i++) out[c * pixels + i] = image[c * pixels + i] * map[i];
    }
  });
}

void blurPicture(const float* image, const PictureLayout& layout, const std::vector<float>& kernel, Border border,
                 float* out) {
  const std::size_t channels = layout.channels, height = layout.height, width = layout.width;
  std::vector<float> columns(layout.size());
  if (layout.channelsLast) {
    blurAxis(image, 1, height, width * channels, kernel, border, columns.data());
    blurAxis(columns.data(), height, width, channels, kernel, border, out);
  } else {
    blurAxis(image, channels, height, width, kernel, border, columns.data());
    blurAxis(columns.data(), channels * height, width, 1, kernel, border, out);
  }
}

}  // namespace onnx_cam::kernels
