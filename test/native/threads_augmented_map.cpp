// Warped pictures and augmented maps on odd sizes, in every tier and on several threads, for the sanitizers to watch; what
// defines the large map is compared with finite differences and with its own transpose, and it is ended in the middle.
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
#include "kernels/map/augmented_map.hpp"
#include "kernels/mask/random.hpp"
#include "kernels/picture/warp.hpp"

using namespace onnx_cam::kernels;
using onnx_cam::Random;

namespace {

struct Sizes {
  std::size_t count;
  std::size_t steps;
  MapSize observed;
  MapSize size;
};

constexpr Sizes kSizes[] = {{1, 1, {1, 1}, {1, 1}},   {3, 2, {4, 3}, {17, 19}}, {2, 1, {5, 1}, {1, 33}},
                            {2, 3, {1, 2}, {40, 1}},  {4, 2, {7, 7}, {9, 8}},   {2, 2, {9, 9}, {5, 4}},
                            {20, 2, {8, 8}, {96, 80}}};

template <class T>
std::vector<T> values(std::size_t count) {
  static Random random(1u);
  std::vector<T> result(count);
  for (T& value : result) value = static_cast<T>(random.normal());
  return result;
}

/// Turned about somewhere, stretched a little and moved.
std::vector<Affine> mappings(std::size_t count) {
  std::vector<Affine> result;
  for (std::size_t i = 0; i < count; i++) {
    const std::vector<double> v = values<double>(4);
    result.push_back(
        {std::cos(v[0]), -std::sin(v[0]), 3 * v[1], std::sin(v[0]), std::cos(v[0]) + 0.1 * v[3], 3 * v[2]});
  }
  return result;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); i++) sum += a[i] * b[i];
  return sum;
}

void testTranspose(const Sizes& sizes) {
  const std::vector<Affine> of = mappings(sizes.count * sizes.steps);
  const SparseRows matrix = observationMatrix({of.data(), sizes.count, sizes.steps}, sizes.observed, sizes.size);
  CHECK(matrix.rows() == sizes.count * sizes.observed.area());
  const SparseRows back = transposed(matrix, sizes.size.area());
  const std::vector<double> x = values<double>(sizes.size.area()), y = values<double>(matrix.rows());
  std::vector<double> forward(y.size()), backward(x.size());
  for (std::size_t row = 0; row < y.size(); row++) forward[row] = matrix.product(row, x.data());
  for (std::size_t row = 0; row < x.size(); row++) backward[row] = back.product(row, y.data());
  const double scale = std::sqrt(dot(x, x) * dot(y, y));
  CHECK(std::abs(dot(forward, y) - dot(x, backward)) <= 1e-13 * scale);
}

void testGradient(const Sizes& sizes) {
  const std::vector<Affine> of = mappings(sizes.count * sizes.steps);
  const Mappings all{of.data(), sizes.count, sizes.steps};
  const std::vector<float> observed = values<float>(sizes.count * sizes.observed.area());
  const AugmentedWeights weights{0.3, 0.05};
  const SparseRows matrix = observationMatrix(all, sizes.observed, sizes.size);
  const std::size_t height = sizes.size.height, width = sizes.size.width;
  const auto valueAt = [&](const std::vector<double>& map) {
    double value = weights.energy * dot(map, map);
    for (std::size_t row = 0; row < matrix.rows(); row++) {
      value += std::pow(matrix.product(row, map.data()) - static_cast<double>(observed[row]), 2);
    }
    for (std::size_t i = 0; i < map.size(); i++) {
      if (i % width + 1 < width) value += weights.totalVariation * std::abs(map[i + 1] - map[i]);
      if (i / width + 1 < height) value += weights.totalVariation * std::abs(map[i + width] - map[i]);
    }
    return value;
  };
  AugmentedObjective objective(observed.data(), all, sizes.observed, sizes.size, weights);
  // Far enough apart that no step changes which neighbour is above.
  std::vector<double> map = values<double>(height * width), gradient(map.size());
  for (std::size_t i = 0; i < map.size(); i++)
    map[i] = 0.01 * std::round(100 * map[i]) + 1e-4 * static_cast<double>(i % 13 % 7);
  objective.setMap(map.data());
  for (std::size_t y = 0; y < height; y++) objective.gradientOfRow(y, &gradient[y * width]);
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < map.size(); i += 1 + map.size() / 200) {
    std::vector<double> above = map, below = map;
    above[i] += kStep;
    below[i] -= kStep;
    CHECK(std::abs((valueAt(above) - valueAt(below)) / (2 * kStep) - gradient[i]) < 1e-5);
  }
}

void testMap(const Sizes& sizes) {
  const std::vector<Affine> of = mappings(sizes.count * sizes.steps);
  const std::vector<float> observed = values<float>(sizes.count * sizes.observed.area());
  std::vector<float> out(sizes.size.area()), alone(out.size());
  AugmentedObjective objective(observed.data(), {of.data(), sizes.count, sizes.steps}, sizes.observed, sizes.size,
                               {0.01, 0.01});
  minimize(objective, {20, 0.001}, out.data());
  for (const float value : out) CHECK(std::abs(value) <= 0.05f);
  const std::size_t threads = kernelThreads();
  setKernelThreads(1);
  minimize(objective, {20, 0.001}, alone.data());
  setKernelThreads(threads);
  CHECK(out == alone);
}

void testWarp(const WarpLayout& layout) {
  constexpr std::size_t kCount = 5;
  std::vector<Affine> of = mappings(kCount);
  of[1] = {};
  of[2] = {1, 0, 1e300, 0, 1, 0};
  of[3] = {1e308, 1e308, 1e308, 1, 1, 1};
  const std::vector<float> image = values<float>(layout.size()), fill = values<float>(layout.fills());
  std::vector<float> out(kCount * layout.size());
  warp(image.data(), 0, layout, of.data(), kCount, fill.data(), out.data());
  const auto item = [&](std::size_t n) {
    const auto begin = out.begin() + static_cast<std::ptrdiff_t>(n * layout.size());
    return std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(layout.size()));
  };
  CHECK(item(1) == image);
  const std::vector<float> away = item(2);
  for (std::size_t i = 0; i < away.size(); i++) {
    const std::size_t plane = i / (layout.height * layout.row());
    CHECK(away[i] == fill[plane * layout.inner + i % layout.inner]);
  }
  const std::vector<float> ones(layout.size(), 1.0f), one(layout.fills(), 1.0f);
  warp(ones.data(), 0, layout, of.data(), kCount, one.data(), out.data());
  for (const float value : out) CHECK(std::abs(value - 1) < 1e-5f);
}

void testInterruption() {
  const Sizes sizes{30, 2, {28, 28}, {224, 224}};
  const std::vector<Affine> of = mappings(sizes.count * sizes.steps);
  const std::vector<float> observed = values<float>(sizes.count * sizes.observed.area());
  std::vector<float> out(sizes.size.area());
  AugmentedObjective objective(observed.data(), {of.data(), sizes.count, sizes.steps}, sizes.observed, sizes.size, {});
  std::atomic<bool> flag{false};
  std::thread raiser([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    flag = true;
  });
  const InterruptionScope scope(&flag);
  CHECK_THROWS(minimize(objective, {1000000, 0.001}, out.data()), Interrupted, [](const Interrupted&) { return true; });
  raiser.join();
}

}  // namespace

int main() {
  setKernelThreads(4);
  for (const Tier tier : {Tier::baseline, Tier::avx2, Tier::avx512}) {
    if (!setTier(tier)) continue;
    for (const Sizes& sizes : kSizes) {
      testTranspose(sizes);
      testGradient(sizes);
      testMap(sizes);
    }
    for (const WarpLayout& layout : {WarpLayout{1, 1, 1, 1}, WarpLayout{3, 17, 31, 1}, WarpLayout{2, 9, 40, 3},
                                     WarpLayout{2, 1, 33, 1}, WarpLayout{3, 300, 200, 1}}) {
      testWarp(layout);
    }
  }
  testInterruption();
  return onnx_cam::test::result();
}
