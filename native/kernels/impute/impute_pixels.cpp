#include "kernels/impute/impute_pixels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/impute/multigrid.hpp"
#include "kernels/mask/random.hpp"

namespace onnx_cam::kernels {
namespace {

constexpr double kResidual = 1e-7;
constexpr double kError = 1e-6;
/// Never seen to take more than some tens.
constexpr int kMostSteps = 1000;

/// One hole of a picture, filled channel by channel.
class HoleFiller {
 public:
  HoleFiller(const PictureLayout& layout, const std::vector<std::uint8_t>& removed)
      : grid_{layout.height, layout.width},
        layout_(layout),
        multigrid_(layout.height, layout.width, removed),
        kept_(grid_.cells()),
        x_(grid_.cells()),
        r_(grid_.cells()),
        p_(grid_.cells()),
        q_(grid_.cells()) {
    for (std::size_t i = 0; i < removed.size(); i++) {
      if (removed[i] != 0) removed_.push_back(static_cast<std::uint32_t>(i));
    }
  }

  const std::vector<std::uint32_t>& removed() const { return removed_; }

  /// Overwrites the removed pixels of one channel of `picture`.
  void fill(std::size_t channel, float* picture) {
    const std::size_t step = layout_.channelsLast ? layout_.channels : 1;
    float* values = picture + (layout_.channelsLast ? channel : channel * layout_.pixels());
    const double largest = setKept(values, step);
    if (std::isfinite(largest)) {
      solve(largest);
    } else {
      std::fill(x_.begin(), x_.end(), std::numeric_limits<double>::quiet_NaN());
    }
    for (const std::uint32_t pixel : removed_) values[pixel * step] = static_cast<float>(x_[cellOf(pixel)]);
  }

 private:
  std::size_t cellOf(std::uint32_t pixel) const { return grid_.at(pixel / grid_.width, pixel % grid_.width); }

  /// The kept values on the grid, 0 elsewhere; gives the largest magnitude, or a value that isn't finite.
  double setKept(const float* values, std::size_t step) {
    const float* mask = multigrid_.picture().mask;
    double sum = 0, largest = 0;
    for (std::size_t y = 0; y < grid_.height; y++) {
      for (std::size_t x = 0; x < grid_.width; x++) {
        const std::size_t cell = grid_.at(y, x);
        if (mask[cell] != 0) continue;
        const double value = values[(y * grid_.width + x) * step];
        kept_[cell] = value;
        sum += value;
        largest = std::max(largest, std::abs(value));
      }
    }
    return std::isfinite(sum) ? largest : sum;
  }

  /// What the kept neighbours give to removed cells: −A (kept) with the removed ones at 0.
  double setRight() {
    const std::size_t stride = grid_.stride();
    const float* mask = multigrid_.picture().mask;
    double square = 0;
    for (std::size_t i = grid_.first(); i < grid_.last(); i++) {
      if (mask[i] == 0) continue;
      const double* u = &kept_[i];
      const double* above = u - stride;
      const double* below = u + stride;
      r_[i] = 2 * (u[-1] + u[1] + above[0] + below[0]) + above[-1] + above[1] + below[-1] + below[1];
      square += r_[i] * r_[i];
    }
    return square;
  }

  void solve(double largest) {
    const GridLoops& loops = gridLoops();
    const PictureStencil picture = multigrid_.picture();
    std::fill(x_.begin(), x_.end(), 0.0);
    std::fill(p_.begin(), p_.end(), 0.0);
    double square = setRight();
    const double enough = kResidual * kResidual * square;
    std::transform(r_.begin(), r_.end(), multigrid_.right(), [](double value) { return static_cast<float>(value); });
    double before = 0;
    for (int step = 0; square > 0; step++) {
      if (step == kMostSteps) throw std::runtime_error("the imputation of removed pixels did not converge");
      checkInterruption();
      const float* z = multigrid_.cycle();
      if (square <= enough && largestOf(z) <= kError * largest) {
        for (std::size_t i = 0; i < x_.size(); i++) x_[i] += static_cast<double>(z[i]);
        return;
      }
      const double product = loops.dot(grid_, r_.data(), z);
      loops.turn(grid_, step == 0 ? 0 : product / before, z, p_.data());
      before = product;
      const double alpha = product / loops.apply(grid_, picture, p_.data(), q_.data());
      square = loops.advance(grid_, alpha, p_.data(), q_.data(), x_.data(), r_.data(), multigrid_.right());
    }
  }

  double largestOf(const float* z) const {
    float largest = 0;
    for (std::size_t i = grid_.first(); i < grid_.last(); i++) largest = std::max(largest, std::abs(z[i]));
    return largest;
  }

  Grid grid_;
  PictureLayout layout_;
  Multigrid multigrid_;
  std::vector<std::uint32_t> removed_;
  std::vector<double> kept_, x_, r_, p_, q_;
};

/// Mixed so that neighbouring ranges and seeds share no sequence.
std::uint32_t seedOf(const PixelRange& range, std::uint32_t seed) {
  return (seed * 0x85ebca6bu) ^ ((static_cast<std::uint32_t>(range.begin) + 1) * 0x9e3779b9u) ^
         ((static_cast<std::uint32_t>(range.end) + 1) * 0xc2b2ae35u);
}

void addNoise(const std::vector<std::uint32_t>& removed, const PictureLayout& layout, double deviation, Random random,
              float* picture) {
  const std::size_t channels = layout.channels;
  const std::size_t pixelStep = layout.channelsLast ? channels : 1;
  const std::size_t channelStep = layout.channelsLast ? 1 : layout.pixels();
  for (const std::uint32_t pixel : removed) {
    for (std::size_t c = 0; c < channels; c++) {
      float& value = picture[pixel * pixelStep + c * channelStep];
      value = static_cast<float>(value + deviation * random.normal());
    }
  }
}

void imputeRange(const float* image, const PictureLayout& layout, const std::uint32_t* order, const PixelRange& range,
                 const ImputeNoise& noise, float* out) {
  std::copy_n(image, layout.size(), out);
  if (range.begin == range.end) return;
  std::vector<std::uint8_t> removed(layout.pixels());
  for (std::size_t i = range.begin; i < range.end; i++) removed[order[i]] = 1;
  if (std::find(removed.begin(), removed.end(), 0) == removed.end()) {
    std::fill_n(out, layout.size(), 0.0f);
    return;
  }
  HoleFiller filler(layout, removed);
  for (std::size_t c = 0; c < layout.channels; c++) filler.fill(c, out);
  if (noise.deviation != 0) {
    addNoise(filler.removed(), layout, noise.deviation, Random(seedOf(range, noise.seed)), out);
  }
}

}  // namespace

void imputePixels(const float* image, const PictureLayout& layout, const std::uint32_t* order, const PixelRange* ranges,
                  std::size_t count, const ImputeNoise& noise, float* out) {
  parallelFor(count, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; n++) {
      imputeRange(image, layout, order, ranges[n], noise, out + n * layout.size());
    }
  });
}

}  // namespace onnx_cam::kernels
