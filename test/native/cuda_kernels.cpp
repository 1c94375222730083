// Every kernel of the GPU against its twin of the CPU on odd sizes, in both precisions, on the emulation in
// cuda_emulation/ (what this proves and what not, cuda_runtime.h there says) or, built by scripts/test-cuda.sh, on a GPU.
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "check.hpp"
#include "kernels/base/half.hpp"
#include "kernels/cuda/cuda_kernels.hpp"
#include "kernels/decompose/channel_rows.hpp"
#include "kernels/decompose/gram.hpp"
#include "kernels/map/normalize.hpp"
#include "kernels/map/resize.hpp"
#include "kernels/mask/mask_batch.hpp"
#include "kernels/reduce/channel_means.hpp"
#include "kernels/reduce/channel_sum.hpp"
#include "kernels/reduce/gradient_weights.hpp"
#include "scoring/activation_variants.hpp"
#include "scoring/cuda_scoring.hpp"
#include "scoring/target_scores.hpp"

using namespace onnx_cam;
using namespace onnx_cam::kernels;
using cuda::Element;

namespace {

constexpr Shape kShapes[] = {{1, 1, 1}, {2, 3, 35}, {1, 17, 117}, {3, 33, 1}, {1, 5, 15}, {2, 70, 49}, {1, 9, 1100}};
constexpr Element kElements[] = {Element::float32, Element::float16};

/// Values in [−1, 1], different at every call; such that a half float holds them when asked.
std::vector<float> values(std::size_t count, Element element = Element::float32) {
  static std::uint32_t state = 7;
  std::vector<float> result(count);
  for (float& value : result) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<std::int32_t>(state)) / 2147483648.0f;
    if (element == Element::float16) value = floatOf(halfOf(value));
  }
  return result;
}

/// Memory of the device, exactly as large as it must be.
class OnDevice {
 public:
  explicit OnDevice(std::size_t bytes) {
    CHECK(cudaMalloc(&data_, bytes > 0 ? bytes : 1) == cudaSuccess);
    fill(std::vector<std::uint8_t>(bytes, 0xa5));
  }
  template <class T>
  explicit OnDevice(const std::vector<T>& host) : OnDevice(host.size() * sizeof(T)) {
    fill(host);
  }
  OnDevice(const std::vector<float>& host, Element element) : OnDevice(host.size() * cuda::bytesOf(element)) {
    std::vector<std::uint16_t> halves(host.size());
    floatToHalf(host.data(), host.size(), halves.data());
    element == Element::float32 ? fill(host) : fill(halves);
  }
  ~OnDevice() { cudaFree(data_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  void* data() const { return data_; }
  /// For kernels; the CPU must not follow the pointer.
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  template <class T = float>
  std::vector<T> host(std::size_t count) const {
    std::vector<T> values(count);
    if (count > 0) CHECK(cudaMemcpy(values.data(), data_, count * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
    return values;
  }
  std::vector<float> floats(std::size_t count, Element element) const {
    if (element == Element::float32) return host(count);
    std::vector<float> result(count);
    halfToFloat(host<std::uint16_t>(count).data(), count, result.data());
    return result;
  }

 private:
  template <class T>
  void fill(const std::vector<T>& host) {
    if (host.empty()) return;
    CHECK(cudaMemcpy(data_, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice) == cudaSuccess);
  }

  void* data_ = nullptr;
};

/// Equal up to `tolerance`, absolute below 1 and relative above; NaN equals NaN.
template <class T>
bool close(const std::vector<T>& actual, const std::vector<T>& expected, double tolerance) {
  if (actual.size() != expected.size()) return false;
  for (std::size_t i = 0; i < actual.size(); i++) {
    if (std::isnan(expected[i]) ? std::isnan(actual[i]) : actual[i] == expected[i]) continue;
    const double size = std::max(1.0, std::abs(static_cast<double>(expected[i])));
    if (!(std::abs(static_cast<double>(actual[i]) - static_cast<double>(expected[i])) <= tolerance * size)) {
      std::fprintf(stderr, "at %zu: %.9g instead of %.9g\n", i, static_cast<double>(actual[i]),
                   static_cast<double>(expected[i]));
      return false;
    }
  }
  return true;
}

/// A float result that was rounded to a half.
double toleranceOf(Element element) { return element == Element::float16 ? 1.0 / 1024 : 2e-6; }

void testReductions(Shape shape, Element element) {
  const std::vector<float> a = values(shape.size(), element);
  const OnDevice features(a, element);
  std::vector<float> expected(shape.images * shape.channels);
  channelMeans(a.data(), shape, expected.data());
  const OnDevice means(expected.size() * sizeof(float));
  CHECK(cuda::channelMeans(features.data(), element, shape, means.as<float>(), nullptr) == 0);
  CHECK(close(means.host(expected.size()), expected, 1e-6));

  for (const bool lazy : {false, true}) {
    // Lazy factors are channel weights, float32 whatever the features are.
    const Element factorElement = lazy ? Element::float32 : element;
    const std::size_t perImage = shape.channels * (lazy ? 1 : shape.positions);
    const std::vector<float> g = values(shape.images * perImage, factorElement);
    const OnDevice gradients(g, factorElement);
    // One image may stand for the whole batch.
    for (const std::size_t step : {shape.perImage(), std::size_t{0}}) {
      const Features hostA{a.data(), step};
      const Gradients hostG{g.data(), perImage, lazy};
      const cuda::DeviceFeatures deviceA{features.data(), element, step};
      const cuda::DeviceGradients deviceG{gradients.data(), factorElement, perImage, lazy};
      std::vector<float> maps(shape.images * shape.positions), weights(shape.images * shape.channels);
      const OnDevice deviceMaps(maps.size() * sizeof(float)), deviceWeights(weights.size() * sizeof(float));
      for (const Term term : {Term::product, Term::positiveProduct, Term::positiveGradient}) {
        channelSum(term, hostA, hostG, shape, maps.data());
        CHECK(cuda::channelSum(term, deviceA, deviceG, shape, deviceMaps.as<float>(), nullptr) == 0);
        CHECK(close(deviceMaps.host(maps.size()), maps, 4e-6));
      }
      for (const PlusPlusMode mode : {PlusPlusMode::paper, PlusPlusMode::pgc, PlusPlusMode::torchcam}) {
        gradCamPlusPlusWeights(mode, hostA, hostG, shape, weights.data());
        CHECK(cuda::gradCamPlusPlusWeights(mode, deviceA, deviceG, shape, deviceWeights.as<float>(), nullptr) == 0);
        // Where 2 + S·G is close to 0, rounding in S counts many times.
        CHECK(close(deviceWeights.host(weights.size()), weights, 1e-3));
      }
      for (const bool guard : {false, true}) {
        // The sums cancel, so that the quotient's error may be large: ε keeps the denominator away from 0.
        xgradCamWeights(3, guard, hostA, hostG, shape, weights.data());
        CHECK(cuda::xgradCamWeights(3, guard, deviceA, deviceG, shape, deviceWeights.as<float>(), nullptr) == 0);
        CHECK(close(deviceWeights.host(weights.size()), weights, 1e-4));
      }
    }
  }
}

void testDecomposition(Shape shape, Element element) {
  const std::size_t channels = shape.channels, positions = shape.positions;
  const std::vector<float> a = values(channels * positions, element), g = values(channels * positions, element);
  const OnDevice features(a, element), gradients(g, element);
  const OnDevice rows(channels * positions * sizeof(float)), sums(positions * sizeof(double));
  for (const float* factors : {static_cast<const float*>(nullptr), g.data()}) {
    for (const bool centre : {false, true}) {
      const std::vector<float> padded = channelRows(a.data(), factors, false, centre, channels, positions);
      std::vector<float> expected;
      for (std::size_t k = 0; k < channels; k++) {
        const float* row = &padded[k * gramStride(positions)];
        expected.insert(expected.end(), row, row + positions);
      }
      const cuda::DeviceGradients own{factors == nullptr ? nullptr : gradients.data(), element, 0, false};
      CHECK(cuda::channelRows(features.data(), element, own, centre, channels, positions, rows.as<float>(), nullptr) ==
            0);
      CHECK(close(rows.host(expected.size()), expected, 2e-6));
      for (const bool byPosition : {true, false}) {
        const std::vector<float> matrix = byPosition ? padded : transposedRows(padded, channels, positions);
        const std::size_t columns = byPosition ? positions : channels;
        std::vector<double> gram(columns * columns);
        gramMatrix(matrix.data(), byPosition ? channels : positions, columns, gram.data());
        const OnDevice deviceGram(gram.size() * sizeof(double));
        CHECK(cuda::gramMatrix(rows.as<float>(), channels, positions, byPosition, deviceGram.as<double>(), nullptr) ==
              0);
        CHECK(close(deviceGram.host<double>(gram.size()), gram, 1e-5));
      }
    }
  }
  std::vector<double> strength(positions, 0.0), projection(positions, 0.0), weights;
  for (const float value : values(channels)) weights.push_back(value);
  for (std::size_t k = 0; k < channels; k++) {
    for (std::size_t i = 0; i < positions; i++) {
      strength[i] += std::abs(a[k * positions + i]);
      projection[i] += weights[k] * a[k * positions + i];
    }
  }
  const OnDevice deviceWeights(weights);
  CHECK(cuda::combineRows(features.data(), element, channels, positions, nullptr, sums.as<double>(), nullptr) == 0);
  CHECK(close(sums.host<double>(positions), strength, 1e-12));
  CHECK(cuda::combineRows(features.data(), element, channels, positions, deviceWeights.as<double>(), sums.as<double>(),
                          nullptr) == 0);
  CHECK(close(sums.host<double>(positions), projection, 1e-12));
}

void testMaps() {
  for (const std::size_t positions : {1, 2, 15, 257, 1000}) {
    std::vector<float> maps = values(4 * positions);
    std::fill_n(maps.begin(), positions, 0.25f);
    maps[positions] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> expected(maps.size());
    const OnDevice in(maps), out(maps.size() * sizeof(float));
    for (const bool relu : {false, true}) {
      normalizeMaps(maps.data(), 4, positions, 1e-7f, relu, expected.data());
      CHECK(cuda::normalizeMaps(in.as<float>(), 4, positions, 1e-7f, relu, out.as<float>(), nullptr) == 0);
      CHECK(close(out.host(expected.size()), expected, 1e-6));
    }
  }
  constexpr MapSize kSizes[] = {{1, 1}, {1, 9}, {7, 7}, {13, 2}, {40, 31}};
  for (const MapSize from : kSizes) {
    for (const MapSize to : kSizes) {
      const std::vector<float> maps = values(2 * from.area());
      std::vector<float> expected(2 * to.area());
      const OnDevice in(maps), out(expected.size() * sizeof(float));
      for (const Interpolation interpolation :
           {Interpolation::bilinear, Interpolation::alignCorners, Interpolation::bicubic, Interpolation::nearest}) {
        resizeMaps(maps.data(), 2, from, to, interpolation, expected.data());
        CHECK(cuda::resizeMaps(in.as<float>(), 2, from, to, interpolation, out.as<float>(), nullptr) == 0);
        CHECK(close(out.host(expected.size()), expected, 2e-6));
      }
    }
  }
}

struct MaskCase {
  std::size_t mapHeight, mapWidth, height, width;
  MaskGrid grid;
  bool channelsLast, background;
};

void testMasks(const MaskCase& one, MaskRule rule, Element element) {
  constexpr std::size_t kMaps = 5, kChannels = 3, kRepeats = 2;
  const bool larger = one.grid == MaskGrid::mirror;
  std::vector<float> maps = values(kMaps * one.mapHeight * one.mapWidth);
  std::fill_n(maps.begin(), one.mapHeight * one.mapWidth, 3.0f);  // A constant one.
  const std::vector<float> image = values(kChannels * one.height * one.width);
  const std::vector<float> background = values(one.background ? image.size() : 0);
  const std::vector<std::uint32_t> select{3, 0, 4};
  const std::vector<float> scales{1, 0.5f};
  const MaskPlan plan(one.mapHeight, one.mapWidth, one.height + (larger ? 4 : 0), one.width + (larger ? 3 : 0),
                      one.grid);
  std::vector<MaskOffset> offsets;
  for (std::size_t i = 0; larger && i < kMaps; i++) offsets.push_back({i % 5, (2 * i) % 4});

  const std::size_t begin = 1, count = select.size() * kRepeats - begin;
  const MaskedImage host{
      image.data(), one.background ? background.data() : nullptr, kChannels, one.height, one.width, one.channelsLast};
  std::vector<float> expected(count * host.size());
  MaskPainter painter(plan);
  for (std::size_t i = 0; i < count; i++) {
    const std::size_t item = begin + i, map = select[item / kRepeats];
    painter.prepare(&maps[map * one.mapHeight * one.mapWidth], rule, scales[item % kRepeats],
                    larger ? offsets[map] : MaskOffset{}, one.height, one.width);
    painter.paint(host, nullptr, &expected[i * host.size()]);
  }

  const OnDevice deviceMaps(maps), deviceImage(image), deviceBackground(background), deviceSelect(select);
  const OnDevice deviceScales(scales), deviceOffsets(offsets);
  const OnDevice rowLow(plan.rows.low), rowHigh(plan.rows.high), rowWeight(plan.rows.weight);
  const OnDevice columnLow(plan.columns.low), columnHigh(plan.columns.high), columnWeight(plan.columns.weight);
  const MaskView view{deviceMaps.as<float>(),
                      one.mapHeight,
                      one.mapWidth,
                      {rowLow.as<std::uint32_t>(), rowHigh.as<std::uint32_t>(), rowWeight.as<float>()},
                      {columnLow.as<std::uint32_t>(), columnHigh.as<std::uint32_t>(), columnWeight.as<float>()},
                      rule,
                      deviceSelect.as<std::uint32_t>(),
                      begin,
                      kRepeats,
                      deviceScales.as<float>(),
                      larger ? deviceOffsets.as<MaskOffset>() : nullptr};
  MaskedImage device = host;
  device.image = deviceImage.as<float>();
  device.background = one.background ? deviceBackground.as<float>() : nullptr;
  const OnDevice stretchings(count * sizeof(MaskStretching)), out(expected.size() * cuda::bytesOf(element));
  CHECK(cuda::paintMasks(view, device, count, stretchings.as<MaskStretching>(), element, out.data(), nullptr) == 0);
  CHECK(close(out.floats(expected.size(), element), expected, 2 * toleranceOf(element)));
}

void testActivations(Element element) {
  const LayerView layer{nullptr, 5, 3, 7};
  const std::vector<float> data = values(layer.size()), changed = values(6);
  const std::vector<std::uint32_t> channels{4, 0, 2, 2, 1, 3};
  std::vector<std::uint8_t> sets;
  for (const float value : values(6 * layer.channels)) sets.push_back(value > 0 ? 1 : 0);
  const LayerView host{data.data(), 5, 3, 7};
  const ChannelVariants channelVariants(host, channels.data(), changed.data(), 6);
  const ChannelSetVariants setVariants(host, sets.data(), 6);
  const PositionVariants positions(host, Surroundings::kNone), spread(host, Surroundings::kSpread),
      kept(host, Surroundings::kKept);
  const OnDevice deviceLayer(data), deviceValues(changed), deviceChannels(channels), deviceSets(sets);
  using Kind = cuda::ActivationChange::Kind;
  const auto compare = [&](const Variants& variants, Kind kind) {
    const std::size_t begin = 2, count = variants.count() - begin;
    std::vector<float> expected(count * layer.size());
    const auto writer = variants.writer();
    for (std::size_t i = 0; i < count; i++) writer->write(begin + i, &expected[i * layer.size()]);
    const cuda::ActivationChange change{kind,
                                        deviceLayer.as<float>(),
                                        layer.channels,
                                        layer.height,
                                        layer.width,
                                        begin,
                                        deviceChannels.as<std::uint32_t>(),
                                        deviceValues.as<float>(),
                                        deviceSets.as<std::uint8_t>()};
    const OnDevice out(expected.size() * cuda::bytesOf(element));
    CHECK(cuda::changeActivations(change, count, element, out.data(), nullptr) == 0);
    CHECK(close(out.floats(expected.size(), element), expected, toleranceOf(element)));
  };
  compare(channelVariants, Kind::channels);
  compare(setVariants, Kind::sets);
  compare(positions, Kind::position);
  compare(spread, Kind::spread);
  compare(kept, Kind::kept);
}

void testScores(std::size_t classes, bool sigmoid, Element element) {
  constexpr std::size_t kRows = 3;
  std::vector<float> logits = values(kRows * classes, element);
  for (float& logit : logits) logit = floatOf(halfOf(8 * logit));
  logits[classes] = std::numeric_limits<float>::quiet_NaN();
  TargetScores targets;
  targets.sigmoid = sigmoid;
  for (const ScoreView view : {ScoreView::logit, ScoreView::probability, ScoreView::logProbability, ScoreView::rest}) {
    targets.targets.push_back({{view, classes - 1, 1}, {ScoreView::logit, 0, -0.5}});
    if (sigmoid) targets.targets.push_back({{view, classes - 1, 2, /*opposite=*/true}});
  }
  std::vector<double> expected(kRows * targets.targets.size());
  std::vector<ScoreTerm> terms;
  std::vector<std::uint32_t> starts{0};
  for (const auto& target : targets.targets) {
    terms.insert(terms.end(), target.begin(), target.end());
    starts.push_back(static_cast<std::uint32_t>(terms.size()));
  }
  for (std::size_t i = 0; i < kRows; i++) {
    targets.read(&logits[i * classes], classes, &expected[i * targets.targets.size()]);
  }
  const OnDevice deviceLogits(logits, element), deviceTerms(terms), deviceStarts(starts);
  const OnDevice scores(expected.size() * sizeof(double));
  const cuda::TargetTerms own{deviceTerms.as<ScoreTerm>(), deviceStarts.as<std::uint32_t>(), targets.targets.size(),
                              sigmoid};
  CHECK(cuda::readScores(deviceLogits.data(), element, kRows, classes, own, scores.as<double>(), nullptr) == 0);
  CHECK(close(scores.host<double>(expected.size()), expected, 1e-12));
}

// Logarithms of sigmoids, where one of the exponentials overflows as well.
void testLogSigmoids() {
  std::vector<float> logits;
  for (float z = -1000; z <= 1000; z += 0.5f) logits.push_back(z);
  TargetScores targets;
  targets.sigmoid = true;
  targets.targets = {
      {{ScoreView::logProbability, 0, 1}}, {{ScoreView::rest, 0, 1}}, {{ScoreView::logProbability, 0, 1, true}}};
  const std::vector<ScoreTerm> terms{targets.targets[0][0], targets.targets[1][0], targets.targets[2][0]};
  const OnDevice deviceLogits(logits, Element::float32), deviceTerms(terms),
      deviceStarts(std::vector<std::uint32_t>{0, 1, 2, 3});
  const OnDevice scores(3 * logits.size() * sizeof(double));
  const cuda::TargetTerms own{deviceTerms.as<ScoreTerm>(), deviceStarts.as<std::uint32_t>(), 3, true};
  CHECK(cuda::readScores(deviceLogits.data(), Element::float32, logits.size(), 1, own, scores.as<double>(), nullptr) ==
        0);
  const std::vector<double> onDevice = scores.host<double>(3 * logits.size());
  for (std::size_t i = 0; i < logits.size(); i++) {
    // Its exponents reach beyond 11,000.
    const auto logSigmoid = [](long double z) { return static_cast<double>(-std::log1p(std::exp(-z))); };
    const double z = logits[i];
    const double expected[] = {logSigmoid(z), z + logSigmoid(z), logSigmoid(-z)};
    double onCpu[3];
    targets.read(&logits[i], 1, onCpu);
    for (int t = 0; t < 3; t++) {
      CHECK(std::abs(onCpu[t] - expected[t]) <= 1e-15 * std::abs(z) + 1e-15);
      CHECK(std::abs(onDevice[3 * i + t] - expected[t]) <= 1e-15 * std::abs(z) + 1e-15);
    }
  }
}

void testHalves() {
  // Every half survives the way to float and back, on both sides.
  std::vector<std::uint16_t> halves(65536);
  for (std::size_t i = 0; i < halves.size(); i++) halves[i] = static_cast<std::uint16_t>(i);
  std::vector<float> floats(halves.size());
  halfToFloat(halves.data(), halves.size(), floats.data());
  const OnDevice in(halves), out(floats.size() * sizeof(float)), back(halves.size() * sizeof(std::uint16_t));
  CHECK(cuda::halfToFloat(in.data(), halves.size(), out.as<float>(), nullptr) == 0);
  CHECK(cuda::floatToHalf(out.as<float>(), halves.size(), back.data(), nullptr) == 0);
  CHECK(close(out.host(floats.size()), floats, 0));
  std::vector<std::uint16_t> again(halves.size());
  floatToHalf(floats.data(), floats.size(), again.data());
  const std::vector<std::uint16_t> device = back.host<std::uint16_t>(halves.size());
  for (std::size_t i = 0; i < halves.size(); i++) {
    if (std::isnan(floats[i])) {
      CHECK((again[i] & 0x7fff) > 0x7c00 && (device[i] & 0x7fff) > 0x7c00);
    } else {
      CHECK(again[i] == halves[i] && device[i] == halves[i]);
    }
  }
  // Midway between two halves the even one wins; the largest, the smallest, and what lies beyond.
  struct Rounding {
    float value;
    std::uint16_t half;
  };
  constexpr Rounding kRoundings[] = {{1.0f + 0x1p-11f, 0x3c00}, {1.0f + 0x3p-11f, 0x3c02}, {65504.0f, 0x7bff},
                                     {65519.9f, 0x7bff},        {65520.0f, 0x7c00},        {0x1p-24f, 0x0001},
                                     {0x1p-25f, 0x0000},        {0x3p-25f, 0x0002},        {-0.0f, 0x8000},
                                     {-1e-30f, 0x8000},         {1e30f, 0x7c00},           {-2.0f, 0xc000}};
  for (const auto& [value, half] : kRoundings) CHECK(halfOf(value) == half);
}

}  // namespace

int main() {
  testHalves();
  testLogSigmoids();
  for (const Element element : kElements) {
    for (const Shape shape : kShapes) {
      testReductions(shape, element);
      if (shape.positions <= 117) testDecomposition(shape, element);
    }
    for (const MaskCase& one : {MaskCase{7, 7, 33, 21, MaskGrid::halfPixel, false, false},
                                MaskCase{5, 3, 17, 40, MaskGrid::halfPixel, true, true},
                                MaskCase{4, 6, 9, 5, MaskGrid::alignCorners, false, true},
                                MaskCase{1, 1, 8, 3, MaskGrid::halfPixel, false, false},
                                MaskCase{3, 3, 19, 11, MaskGrid::mirror, false, false}}) {
      for (const bool complement : {false, true}) {
        testMasks(one, {MaskStretch::none, 0, complement}, element);
        if (one.grid == MaskGrid::mirror) continue;
        testMasks(one, {MaskStretch::before, 1e-5f, complement}, element);
        testMasks(one, {MaskStretch::after, 0, complement}, element);
      }
    }
    testActivations(element);
    for (const std::size_t classes : {1, 2, 33, 1000}) {
      for (const bool sigmoid : {false, true}) testScores(classes, sigmoid, element);
    }
  }
  testMaps();
#ifdef ONNX_CAM_CUDA_EMULATION
  CHECK(cuda_emulation::livingObjects() == 0);
#endif
  return test::result();
}
