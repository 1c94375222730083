#include "kernels/picture/resample_image.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/base/tier.hpp"

namespace onnx_cam::kernels {
namespace {

// 8 bits of value and 2 of headroom (overshoot, sums of rounded weights) leave 22 of 32.
constexpr int kFractionBits = 22;
constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);

inline std::uint8_t toByte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

#define ONNX_CAM_KERNEL "kernels/picture/resample_bytes.inl"
#include "kernels/base/each_tier.inl"

/// How a channel's value is weighted and kept between the passes: floating, or bytes with fixed-point weights.
template <class Value>
struct Arithmetic {
  using Weight = Value;
  static Weight weight(double value) { return static_cast<Weight>(value); }
  static Weight start() { return 0; }
  static Value finish(Weight sum) { return sum; }
};

template <>
struct Arithmetic<std::uint8_t> {
  using Weight = std::int32_t;
  static Weight weight(double value) { return static_cast<Weight>(std::lround(value * (1 << kFractionBits))); }
  static Weight start() { return kHalf; }
  static std::uint8_t finish(Weight sum) { return toByte(sum); }
};

/// The taps of consecutive target samples: `count` weights from `first` on each.
template <class Weight>
struct Taps {
  std::size_t limit = 0;  // Room for weights per sample.
  std::vector<std::size_t> first;
  std::vector<std::size_t> count;
  std::vector<Weight> weights;

  /// For every two weights, each four times: three channels and a 0.
  std::vector<Weight> paired() const {
    std::vector<Weight> all(4 * weights.size());
    for (std::size_t i = 0; i < weights.size(); i++) std::fill_n(&all[4 * i], 3, weights[i]);
    return all;
  }
};

double filterValue(ImageFilter filter, double t) {
  t = std::abs(t);
  if (filter == ImageFilter::bilinear) return t < 1 ? 1 - t : 0;
  constexpr double a = -0.5;
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? ((t - 5) * t + 8) * t * a - 4 * a : 0;
}

template <class Value>
Taps<typename Arithmetic<Value>::Weight> tapsFor(std::size_t from, std::size_t to, std::size_t begin, std::size_t size,
                                                 ImageFilter filter) {
  const double scale = static_cast<double>(from) / static_cast<double>(to), stretch = std::max(scale, 1.0);
  const double support = (filter == ImageFilter::bicubic ? 2.0 : 1.0) * stretch;
  Taps<typename Arithmetic<Value>::Weight> taps;
  taps.limit = filter == ImageFilter::nearest ? 1 : static_cast<std::size_t>(std::ceil(support)) * 2 + 1;
  taps.weights.resize(size * taps.limit);
  if (filter == ImageFilter::nearest) {
    // Summed up, not multiplied, since Pillow does so and its rounding decides where a centre falls on a border.
    double centre = scale * 0.5;
    for (std::size_t i = 0; i < begin + size; i++, centre += scale) {
      if (i < begin) continue;
      taps.first.push_back(std::min(from - 1, static_cast<std::size_t>(centre)));
      taps.count.push_back(1);
      taps.weights[i - begin] = Arithmetic<Value>::weight(1);
    }
    return taps;
  }
  std::vector<double> values(taps.limit);
  for (std::size_t i = 0; i < size; i++) {
    const double centre = (static_cast<double>(begin + i) + 0.5) * scale;
    // Truncation, as Pillow: bounds below 0 are clamped.
    const std::size_t first = static_cast<std::size_t>(std::max(centre - support + 0.5, 0.0));
    const std::size_t last = std::min(from, static_cast<std::size_t>(centre + support + 0.5));
    double sum = 0;
    for (std::size_t j = first; j < last; j++) {
      values[j - first] = filterValue(filter, (static_cast<double>(j) - centre + 0.5) / stretch);
      sum += values[j - first];
    }
    for (std::size_t j = 0; j < last - first; j++) {
      taps.weights[i * taps.limit + j] = Arithmetic<Value>::weight(sum != 0 ? values[j] / sum : values[j]);
    }
    taps.first.push_back(first);
    taps.count.push_back(last - first);
  }
  return taps;
}

template <class Source, class Value, class Weight>
void resampleRow(const Source* row, std::size_t channels, const Taps<Weight>& taps, Value* out) {
  for (std::size_t x = 0; x < taps.first.size(); x++) {
    const Weight* weights = &taps.weights[x * taps.limit];
    const Source* source = row + taps.first[x] * channels;
    for (std::size_t c = 0; c < channels; c++) {
      Weight sum = Arithmetic<Value>::start();
      for (std::size_t j = 0; j < taps.count[x]; j++) sum += weights[j] * static_cast<Weight>(source[j * channels + c]);
      out[x * channels + c] = Arithmetic<Value>::finish(sum);
    }
  }
}

/// One row of the result from rows `first` … of the stretched picture, whose own first row is number `offset`.
template <class Value, class Weight>
void blendRows(const Value* rows, std::size_t offset, std::size_t length, const Taps<Weight>& taps, std::size_t y,
               std::vector<Weight>& sums, Value* out) {
  std::fill(sums.begin(), sums.end(), Arithmetic<Value>::start());
  for (std::size_t j = 0; j < taps.count[y]; j++) {
    const Weight weight = taps.weights[y * taps.limit + j];
    const Value* row = rows + (taps.first[y] + j - offset) * length;
    if constexpr (std::is_same_v<Value, std::uint8_t>) {
      ONNX_CAM_DISPATCH(addWeighted)(row, weight, length, sums.data());
    } else {
      for (std::size_t i = 0; i < length; i++) sums[i] += weight * row[i];
    }
  }
  if constexpr (std::is_same_v<Value, std::uint8_t>) {
    ONNX_CAM_DISPATCH(toBytes)(sums.data(), length, out);
  } else {
    for (std::size_t i = 0; i < length; i++) out[i] = Arithmetic<Value>::finish(sums[i]);
  }
}

template <class Source, class Value>
void resample(const Source* pixels, ImageSize from, std::size_t channels, ImageSize to, ImageWindow window,
              ImageFilter filter, Value* out) {
  using Weight = typename Arithmetic<Value>::Weight;
  const Taps<Weight> columns = tapsFor<Value>(from.width, to.width, window.x, window.width, filter);
  const Taps<Weight> rows = tapsFor<Value>(from.height, to.height, window.y, window.height, filter);
  const bool sameHeight = from.height == to.height;
  const std::size_t firstRow = sameHeight ? window.y : rows.first.front();
  const std::size_t lastRow = sameHeight ? window.y + window.height : rows.first.back() + rows.count.back();
  const std::size_t length = window.width * channels;

  const bool isRgb = channels == 3 && std::is_same_v<Value, std::uint8_t>;
  const std::vector<Weight> paired = isRgb ? columns.paired() : std::vector<Weight>();
  std::vector<Value> stretched((lastRow - firstRow) * length);
  const std::size_t rowWork = window.width * channels * std::max<std::size_t>(4, columns.limit);
  parallelFor(lastRow - firstRow, grainFor(rowWork), [&](std::size_t begin, std::size_t end) {
    for (std::size_t y = begin; y < end; y++) {
      checkInterruption();
      const Source* source = pixels + (firstRow + y) * from.width * channels;
      Value* target = &stretched[y * length];
      if (from.width == to.width) {
        std::copy(source + window.x * channels, source + window.x * channels + length, target);
      } else if constexpr (std::is_same_v<Value, std::uint8_t>) {
        if (channels == 3) {
          const std::size_t readable = (from.height - firstRow - y) * from.width * channels;
          ONNX_CAM_DISPATCH(resampleRgbRow)
          (source, readable, columns.first.data(), columns.count.data(), columns.weights.data(), paired.data(),
           columns.limit, window.width, target);
        } else {
          resampleRow(source, channels, columns, target);
        }
      } else {
        resampleRow(source, channels, columns, target);
      }
    }
  });
  if (sameHeight) {
    std::copy(stretched.begin(), stretched.end(), out);
    return;
  }
  parallelFor(window.height, grainFor(length * rows.limit), [&](std::size_t begin, std::size_t end) {
    std::vector<Weight> sums(length);
    for (std::size_t y = begin; y < end; y++) {
      checkInterruption();
      blendRows(stretched.data(), firstRow, length, rows, y, sums, out + y * length);
    }
  });
}

}  // namespace

void resampleImage(const std::uint8_t* pixels, ImageSize from, std::size_t channels, ImageSize to, ImageWindow window,
                   ImageFilter filter, std::uint8_t* out) {
  resample(pixels, from, channels, to, window, filter, out);
}

void resampleImage(const std::uint8_t* pixels, ImageSize from, std::size_t channels, ImageSize to, ImageWindow window,
                   ImageFilter filter, float* out) {
  resample(pixels, from, channels, to, window, filter, out);
}

void resampleImage(const float* pixels, ImageSize from, std::size_t channels, ImageSize to, ImageWindow window,
                   ImageFilter filter, float* out) {
  resample(pixels, from, channels, to, window, filter, out);
}

void resampleImage(const double* pixels, ImageSize from, std::size_t channels, ImageSize to, ImageWindow window,
                   ImageFilter filter, double* out) {
  resample(pixels, from, channels, to, window, filter, out);
}

}  // namespace onnx_cam::kernels
