// Every kernel on odd sizes, in every tier, against a plain computation in double: for the sanitizers to watch, so
// buffers are exactly as large as they must be. Values are compared in depth by test/kernels.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <vector>

#include "check.hpp"
#include "kernels/base/tier.hpp"
#include "kernels/decompose/factorize.hpp"
#include "kernels/decompose/kernel_pca.hpp"
#include "kernels/decompose/leading_eigenpair.hpp"
#include "kernels/decompose/principal_component.hpp"
#include "kernels/map/normalize.hpp"
#include "kernels/map/resize.hpp"
#include "kernels/picture/color.hpp"
#include "kernels/picture/image_tensor.hpp"
#include "kernels/picture/resample_image.hpp"
#include "kernels/reduce/channel_means.hpp"
#include "kernels/reduce/channel_sum.hpp"
#include "kernels/reduce/fem.hpp"
#include "kernels/reduce/gradient_weights.hpp"

using namespace onnx_cam::kernels;

namespace {

constexpr Shape kShapes[] = {{1, 1, 1}, {2, 3, 35}, {1, 17, 117}, {3, 33, 1}, {1, 5, 15}, {2, 31, 16}, {1, 70, 1100}};

/// Values in [−1, 1], different at every call.
std::vector<float> values(std::size_t count) {
  static std::uint32_t state = 1;
  std::vector<float> result(count);
  for (float& value : result) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<std::int32_t>(state)) / 2147483648.0f;
  }
  return result;
}

std::vector<std::uint8_t> bytes(std::size_t count) {
  std::vector<std::uint8_t> result;
  for (const float value : values(count)) result.push_back(static_cast<std::uint8_t>(127.5f * (value + 1)));
  return result;
}

bool near(double actual, double expected, double tolerance) { return std::abs(actual - expected) <= tolerance; }

Features featuresOf(const std::vector<float>& data, Shape shape) { return {data.data(), shape.perImage()}; }

void testMeans(Shape shape) {
  const std::vector<float> data = values(shape.size());
  std::vector<float> means(shape.images * shape.channels);
  channelMeans(data.data(), shape, means.data());
  for (std::size_t row = 0; row < means.size(); row++) {
    double sum = 0;
    for (std::size_t i = 0; i < shape.positions; i++) sum += data[row * shape.positions + i];
    CHECK(near(means[row], sum / static_cast<double>(shape.positions), 1e-6));
  }
}

double termOf(Term term, double g, double a) {
  if (term == Term::positiveGradient) return std::max(g, 0.0) * a;
  return term == Term::positiveProduct ? std::max(g * a, 0.0) : g * a;
}

void testSums(Shape shape, Term term, bool lazy) {
  const std::size_t positions = lazy ? 1 : shape.positions;
  const std::vector<float> a = values(shape.size()), g = values(shape.images * shape.channels * positions);
  std::vector<float> maps(shape.images * shape.positions);
  channelSum(term, featuresOf(a, shape), {g.data(), shape.channels * positions, lazy}, shape, maps.data());
  for (std::size_t at = 0; at < maps.size(); at++) {
    const std::size_t n = at / shape.positions, i = at % shape.positions;
    double sum = 0;
    for (std::size_t k = 0; k < shape.channels; k++) {
      const std::size_t row = n * shape.channels + k;
      sum += termOf(term, g[row * positions + (lazy ? 0 : i)], a[row * shape.positions + i]);
    }
    CHECK(near(maps[at], sum, 1e-5));
  }
}

void testWeights(Shape shape, bool lazy) {
  const std::size_t positions = lazy ? 1 : shape.positions;
  const std::vector<float> a = values(shape.size()), g = values(shape.images * shape.channels * positions);
  std::vector<float> weights(shape.images * shape.channels);
  const Gradients gradients{g.data(), shape.channels * positions, lazy};
  for (const PlusPlusMode mode : {PlusPlusMode::paper, PlusPlusMode::pgc, PlusPlusMode::torchcam}) {
    gradCamPlusPlusWeights(mode, featuresOf(a, shape), gradients, shape, weights.data());
    CHECK(std::all_of(weights.begin(), weights.end(), [](float value) { return std::isfinite(value); }));
  }
  for (std::size_t row = 0; row < weights.size(); row++) {
    double sum = 0;
    for (std::size_t i = 0; i < shape.positions; i++) {
      sum += std::pow(std::max(g[row * positions + (lazy ? 0 : i)], 0.0f), 3.0);
    }
    CHECK(near(weights[row], sum, 1e-5 * (1 + sum)));
  }
  xgradCamWeights(1e-3, true, featuresOf(a, shape), gradients, shape, weights.data());
  CHECK(std::all_of(weights.begin(), weights.end(), [](float value) { return std::isfinite(value); }));
  femWeights(0.5, a.data(), shape, weights.data());
  CHECK(std::all_of(weights.begin(), weights.end(), [](float value) { return value >= 0 && value <= 1; }));
}

/// The projection of X on its first principal direction has the largest length of all: |X v| for any other v.
void testDecompositions(Shape shape) {
  const std::vector<float> a = values(shape.size());
  std::vector<float> maps(shape.images * shape.positions);
  principalComponent(featuresOf(a, shape), {}, false, SignRule::activation, shape, maps.data());
  for (std::size_t n = 0; n < shape.images; n++) {
    double length = 0;
    for (std::size_t i = 0; i < shape.positions; i++) length += std::pow(maps[n * shape.positions + i], 2);
    for (std::size_t k = 0; k < shape.channels; k++) {
      double channel = 0;
      for (std::size_t i = 0; i < shape.positions; i++) {
        channel += std::pow(a[n * shape.perImage() + k * shape.positions + i], 2);
      }
      CHECK(channel <= length * (1 + 1e-5));
    }
  }
  for (const PcaKernel kernel : {PcaKernel::linear, PcaKernel::sigmoid, PcaKernel::rbf, PcaKernel::cosine}) {
    kernelPca(kernel, 0.1, a.data(), shape, maps.data());
    CHECK(std::all_of(maps.begin(), maps.end(), [](float value) { return std::isfinite(value); }));
  }
  std::vector<float> broken = a;
  broken.back() = std::numeric_limits<float>::infinity();
  principalComponent(featuresOf(broken, shape), {}, true, SignRule::largest, shape, maps.data());
  CHECK(std::isnan(maps.back()));
}

void testFactors(Shape shape, bool shift) {
  const std::size_t components = 3;
  const std::vector<float> a = values(shape.size());
  std::vector<float> start = values(components * (shape.positions + shape.channels));
  for (float& value : start) value = std::abs(value);
  const std::size_t size = factorsPerImage(shape, components);
  std::vector<float> factors(shape.images * size);
  factorize(a.data(), shape, shift, components, start.data(), factors.data());
  for (std::size_t n = 0; n < shape.images; n++) {
    const float* maps = &factors[n * size];
    const float* concepts = maps + components * shape.positions;
    const float* offsets = concepts + components * shape.channels;
    double error = 0, norm = 0;
    for (std::size_t k = 0; k < shape.channels; k++) {
      for (std::size_t i = 0; i < shape.positions; i++) {
        const float value = a[n * shape.perImage() + k * shape.positions + i];
        const double v = shift ? value - offsets[k] : std::max(value, 0.0f);
        double sum = 0;
        for (std::size_t t = 0; t < components; t++) {
          sum += static_cast<double>(concepts[t * shape.channels + k]) * maps[t * shape.positions + i];
        }
        error += (v - sum) * (v - sum);
        norm += v * v;
      }
    }
    CHECK(error <= norm);
    CHECK(std::all_of(maps, maps + size - shape.channels, [](float value) { return value >= 0; }));
  }
}

void testEigenpairs() {
  for (const std::size_t size : {1, 2, 7, 40, 130}) {
    std::vector<double> matrix(size * size);
    const std::vector<float> random = values(size * size);
    for (std::size_t i = 0; i < size; i++) {
      for (std::size_t j = 0; j < size; j++) matrix[i * size + j] = random[i * size + j] + random[j * size + i];
    }
    const Eigenpair pair = leadingEigenpair(matrix.data(), size);
    for (std::size_t i = 0; i < size; i++) {
      double product = 0;
      for (std::size_t j = 0; j < size; j++) product += matrix[i * size + j] * pair.vector[j];
      CHECK(near(product, pair.value * pair.vector[i], 1e-8));
      // No Rayleigh quotient exceeds the largest eigenvalue: that of a unit vector is a diagonal entry.
      CHECK(matrix[i * size + i] <= pair.value + 1e-9);
    }
    const Eigenpair zero = leadingEigenpair(std::vector<double>(size * size, 0.0).data(), size);
    CHECK(zero.value == 0);
  }
}

void testMaps() {
  for (const std::size_t positions : {1, 2, 15, 16, 17, 1000}) {
    const std::vector<float> maps = values(2 * positions);
    std::vector<float> out(maps.size());
    normalizeMaps(maps.data(), 2, positions, 1e-7f, false, out.data());
    CHECK(std::all_of(out.begin(), out.end(), [](float value) { return value >= 0 && value <= 1; }));
  }
  constexpr MapSize kSizes[] = {{1, 1}, {1, 9}, {7, 7}, {13, 2}, {40, 31}};
  for (const MapSize from : kSizes) {
    for (const MapSize to : kSizes) {
      const std::vector<float> maps = values(2 * from.area());
      std::vector<float> out(2 * to.area());
      for (const Interpolation interpolation :
           {Interpolation::bilinear, Interpolation::alignCorners, Interpolation::bicubic, Interpolation::nearest}) {
        resizeMaps(maps.data(), 2, from, to, interpolation, out.data());
        CHECK(std::all_of(out.begin(), out.end(), [](float value) { return std::abs(value) <= 2; }));
      }
      const std::vector<float> own(2 * to.area(), 1);
      meanAtSize({{maps.data(), from}, {own.data(), to}}, 2, to, out.data());
      CHECK(std::all_of(out.begin(), out.end(), [](float value) { return std::abs(value) <= 1.000001f; }));
    }
  }
}

void testPixels() {
  constexpr ImageSize kSizes[] = {{1, 1}, {9, 1}, {7, 7}, {2, 13}, {31, 40}};
  for (const ImageSize from : kSizes) {
    for (const ImageSize to : kSizes) {
      for (const std::size_t channels : {1, 3, 4}) {
        const std::vector<std::uint8_t> pixels = bytes(from.width * from.height * channels);
        const ImageWindow window{to.width / 3, to.height / 4, to.width - to.width / 3, (to.height + 1) / 2};
        std::vector<std::uint8_t> rounded(window.width * window.height * channels);
        std::vector<float> exact(rounded.size());
        for (const ImageFilter filter : {ImageFilter::bilinear, ImageFilter::bicubic, ImageFilter::nearest}) {
          resampleImage(pixels.data(), from, channels, to, window, filter, rounded.data());
          resampleImage(pixels.data(), from, channels, to, window, filter, exact.data());
          // Bicubic's overshoot is cut off between the passes of bytes, so there the two differ by more.
          if (filter == ImageFilter::bicubic) continue;
          for (std::size_t i = 0; i < exact.size(); i++) CHECK(near(rounded[i], exact[i], 1));
          const std::vector<float> deep(pixels.begin(), pixels.end());
          std::vector<float> same(exact.size());
          resampleImage(deep.data(), from, channels, to, window, filter, same.data());
          CHECK(same == exact);
        }
      }
    }
  }
  const std::vector<std::uint8_t> picture = bytes(3 * 101), table = bytes(768);
  std::vector<float> map = values(101), tensor(3 * 101);
  map[7] = std::numeric_limits<float>::quiet_NaN();
  map[8] = std::numeric_limits<float>::infinity();
  std::vector<std::uint8_t> out(3 * 101);
  colorizeMap(map.data(), map.size(), table.data(), out.data());
  CHECK(std::equal(table.begin(), table.begin() + 3, out.begin() + 21));
  CHECK(std::equal(table.end() - 3, table.end(), out.begin() + 24));
  overlayMap(picture.data(), map.data(), map.size(), table.data(), 0, out.data());
  CHECK(out == picture);
  PixelNormalization normalization;
  normalization.planar = false;
  imageToTensor(picture.data(), 101, 3, normalization, tensor.data());
  CHECK(std::equal(tensor.begin(), tensor.end(), picture.begin()));
  const std::vector<double> deep(picture.begin(), picture.end());
  imageToTensor(deep.data(), 101, 3, normalization, tensor.data());
  CHECK(std::equal(tensor.begin(), tensor.end(), picture.begin()));
}

/// A picture of slow waves, as large layers show it, with a little noise.
std::vector<float> waves(std::size_t channels, std::size_t side) {
  std::vector<float> result = values(channels * side * side);
  for (std::size_t k = 0; k < channels; k++) {
    for (std::size_t i = 0; i < side * side; i++) {
      const double y = static_cast<double>(i / side) / static_cast<double>(side);
      const double x = static_cast<double>(i % side) / static_cast<double>(side);
      const double wave = std::sin(static_cast<double>(k) + 6 * x) * std::cos(0.3 * static_cast<double>(k) + 5 * y);
      result[k * side * side + i] = 0.05f * result[k * side * side + i] + static_cast<float>(wave);
    }
  }
  return result;
}

double correlation(const std::vector<float>& a, const std::vector<float>& b) {
  const double n = static_cast<double>(a.size());
  double sumA = 0, sumB = 0, ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); i++) {
    sumA += a[i], sumB += b[i];
    ab += static_cast<double>(a[i]) * b[i], aa += static_cast<double>(a[i]) * a[i],
        bb += static_cast<double>(b[i]) * b[i];
  }
  return (n * ab - sumA * sumB) / std::sqrt((n * aa - sumA * sumA) * (n * bb - sumB * sumB));
}

// Samples that are all positions give the whole matrix's map; a tenth of them nearly so.
void testSampledPca() {
  constexpr std::size_t kChannels = 21, kSide = 24, kPositions = kSide * kSide;
  const std::vector<float> a = waves(kChannels, kSide);
  std::vector<float> exact(kPositions), sampled(kPositions);
  for (const PcaKernel kernel :
       {PcaKernel::linear, PcaKernel::sigmoid, PcaKernel::rbf, PcaKernel::poly, PcaKernel::cosine}) {
    kernelPca(kernel, 0.05, a.data(), {1, kChannels, kPositions}, exact.data());
    const float largest = *std::max_element(exact.begin(), exact.end());
    CHECK(largest > 0);
    sampledKernelPca(kernel, 0.05, a.data(), kChannels, kPositions, kPositions, sampled.data());
    bool same = true;
    for (std::size_t i = 0; i < kPositions; i++) same = same && near(sampled[i], exact[i], 1e-4 * largest);
    CHECK(same);
    sampledKernelPca(kernel, 0.05, a.data(), kChannels, kPositions, kPositions / 10, sampled.data());
    CHECK(correlation(exact, sampled) > 0.99);
    // The same scale, whatever the number of samples.
    CHECK(near(*std::max_element(sampled.begin(), sampled.end()) / largest, 1, 0.1));
  }
}

// Beyond the whole matrix: 66 × 66 positions.
void testLargePca() {
  constexpr Shape kShape{2, 5, 66 * 66};
  static_assert(kShape.positions > kMostSamples);
  std::vector<float> a = waves(kShape.channels, 66), second = waves(kShape.channels, 66);
  a.insert(a.end(), second.begin(), second.end());
  std::vector<float> maps(kShape.images * kShape.positions), expected(maps.size());
  kernelPca(PcaKernel::linear, 1, a.data(), kShape, maps.data());
  principalComponent({a.data(), kShape.perImage()}, {}, true, SignRule::largest, kShape, expected.data());
  CHECK(maps == expected);
  a.back() = std::numeric_limits<float>::infinity();
  std::fill_n(a.begin(), kShape.perImage(), 0.25f);
  kernelPca(PcaKernel::sigmoid, 0.2, a.data(), kShape, maps.data());
  CHECK(std::all_of(maps.begin(), maps.begin() + kShape.positions, [](float value) { return value == 0; }));
  CHECK(std::all_of(maps.begin() + kShape.positions, maps.end(), [](float value) { return std::isnan(value); }));
}

}  // namespace

int main() {
  for (int tier = 0; tier <= static_cast<int>(detectTier()); tier++) {
    CHECK(setTier(static_cast<Tier>(tier)));
    for (const Shape shape : kShapes) {
      testMeans(shape);
      for (const bool lazy : {false, true}) {
        for (const Term term : {Term::product, Term::positiveProduct, Term::positiveGradient}) {
          testSums(shape, term, lazy);
        }
        testWeights(shape, lazy);
      }
      // The last shape's kernel matrix would take the sanitizers too long.
      if (shape.positions <= 117) testDecompositions(shape);
    }
  }
  for (const Shape shape : kShapes) {
    for (const bool shift : {false, true}) testFactors(shape, shift);
  }
  testEigenpairs();
  testSampledPca();
  testLargePca();
  testMaps();
  testPixels();
  return onnx_cam::test::result();
}
