// ROAD's imputation on several threads and in every tier: each range's picture solves its system, whatever the sizes of the
// picture and of the hole, and an interruption ends it.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

#include "check.hpp"
#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/base/tier.hpp"
#include "kernels/impute/impute_pixels.hpp"
#include "kernels/mask/random.hpp"

using namespace onnx_cam::kernels;
using onnx_cam::Random;

namespace {

constexpr PictureLayout kLayouts[] = {{1, 1, 1, false}, {3, 1, 40, false},  {2, 33, 1, true},
                                      {3, 2, 2, true},  {3, 17, 30, false}, {1, 64, 51, false}};

std::vector<float> values(std::size_t count) {
  Random random(static_cast<std::uint32_t>(count));
  std::vector<float> result(count);
  for (float& value : result) value = static_cast<float>(random.normal());
  return result;
}

/// Every pixel once, in an order that scatters them.
std::vector<std::uint32_t> scattered(std::size_t count) {
  std::vector<std::uint32_t> order(count);
  for (std::size_t i = 0; i < count; i++) order[i] = static_cast<std::uint32_t>(i);
  Random random(3u);
  for (std::size_t i = count; i > 1; i--) {
    std::swap(order[i - 1], order[static_cast<std::size_t>(random.uniform() * static_cast<double>(i))]);
  }
  return order;
}

/// How far each removed pixel is from its neighbours' weighted mean.
double farthest(const std::vector<float>& picture, const PictureLayout& layout,
                const std::vector<std::uint8_t>& removed) {
  const auto height = static_cast<std::ptrdiff_t>(layout.height), width = static_cast<std::ptrdiff_t>(layout.width);
  double most = 0;
  for (std::ptrdiff_t pixel = 0; pixel < height * width; pixel++) {
    if (removed[static_cast<std::size_t>(pixel)] == 0) continue;
    for (std::size_t c = 0; c < layout.channels; c++) {
      const auto valueAt = [&](std::ptrdiff_t at) {
        const auto i = static_cast<std::size_t>(at);
        return static_cast<double>(picture[layout.channelsLast ? i * layout.channels + c : c * layout.pixels() + i]);
      };
      double sum = 0, weights = 0;
      for (std::ptrdiff_t dy = -1; dy <= 1; dy++) {
        for (std::ptrdiff_t dx = -1; dx <= 1; dx++) {
          const std::ptrdiff_t y = pixel / width + dy, x = pixel % width + dx;
          if ((dy == 0 && dx == 0) || y < 0 || x < 0 || y >= height || x >= width) continue;
          const double weight = dy == 0 || dx == 0 ? 2 : 1;
          sum += weight * valueAt(y * width + x);
          weights += weight;
        }
      }
      most = std::max(most, std::abs(sum / weights - valueAt(pixel)));
    }
  }
  return most;
}

void testImputation(const PictureLayout& layout) {
  const std::vector<float> image = values(layout.size());
  const std::size_t pixels = layout.pixels();
  const std::vector<std::uint32_t> order = scattered(pixels);
  std::vector<PixelRange> ranges;
  for (std::size_t part = 0; part <= 8; part++) ranges.push_back({0, pixels * part / 8});
  ranges.push_back({1, pixels});
  std::vector<float> out(ranges.size() * layout.size());
  imputePixels(image.data(), layout, order.data(), ranges.data(), ranges.size(), {}, out.data());
  for (std::size_t n = 0; n < ranges.size(); n++) {
    const auto begin = out.begin() + static_cast<std::ptrdiff_t>(n * layout.size());
    const std::vector<float> picture(begin, begin + static_cast<std::ptrdiff_t>(layout.size()));
    std::vector<std::uint8_t> removed(pixels);
    for (std::size_t i = ranges[n].begin; i < ranges[n].end; i++) removed[order[i]] = 1;
    if (ranges[n].begin == 0 && ranges[n].end == pixels) {
      CHECK(std::all_of(picture.begin(), picture.end(), [](float value) { return value == 0; }));
    } else {
      CHECK(farthest(picture, layout, removed) < 2e-6);
    }
  }
  imputePixels(image.data(), layout, order.data(), ranges.data(), ranges.size(), {0.5, 7}, out.data());
  CHECK(std::all_of(out.begin(), out.end(), [](float value) { return std::isfinite(value); }));
}

void testInterruption() {
  const PictureLayout layout{3, 200, 200, false};
  const std::vector<float> image = values(layout.size());
  const std::vector<std::uint32_t> order = scattered(layout.pixels());
  const std::vector<PixelRange> ranges(12, {0, layout.pixels() - 1});
  std::vector<float> out(ranges.size() * layout.size());
  std::atomic<bool> flag{false};
  std::thread raiser([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    flag = true;
  });
  const InterruptionScope scope(&flag);
  CHECK_THROWS(imputePixels(image.data(), layout, order.data(), ranges.data(), ranges.size(), {}, out.data()),
               Interrupted, [](const Interrupted&) { return true; });
  raiser.join();
}

}  // namespace

int main() {
  setKernelThreads(4);
  for (const Tier tier : {Tier::baseline, Tier::avx2, Tier::avx512}) {
    if (!setTier(tier)) continue;
    for (const PictureLayout& layout : kLayouts) testImputation(layout);
  }
  testInterruption();
  return onnx_cam::test::result();
}
