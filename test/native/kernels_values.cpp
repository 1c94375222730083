// The kernels of single methods (noise, FullGrad, affine scores, attention, statistics of channels, maps value by value) on
// odd sizes, for the sanitizers to watch: buffers are exactly as large as they must be. Values are compared in depth by
// test/kernels; here each has one property that holds whatever comes.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "check.hpp"
#include "kernels/map/change_values.hpp"
#include "kernels/map/colour_maps.hpp"
#include "kernels/map/combine_maps.hpp"
#include "kernels/map/map_ranges.hpp"
#include "kernels/map/scale_by_maximum.hpp"
#include "kernels/mask/add_noise.hpp"
#include "kernels/mask/positive_maps.hpp"
#include "kernels/mask/random_grids.hpp"
#include "kernels/picture/tensor_picture.hpp"
#include "kernels/reduce/affine_scores.hpp"
#include "kernels/reduce/attention.hpp"
#include "kernels/reduce/channel_statistics.hpp"
#include "kernels/reduce/fullgrad.hpp"
#include "kernels/reduce/gradient_powers.hpp"

using namespace onnx_cam::kernels;
using onnx_cam::Random;

namespace {

constexpr Shape kShapes[] = {{1, 1, 1}, {2, 3, 35}, {1, 17, 117}, {3, 33, 1}, {2, 31, 16}, {1, 70, 11000}};

std::vector<float> values(std::size_t count) {
  static Random random(1u);
  std::vector<float> result(count);
  for (float& value : result) value = static_cast<float>(random.normal());
  return result;
}

bool near(double actual, double expected, double tolerance) { return std::abs(actual - expected) <= tolerance; }

void testNoise(Shape shape) {
  const std::size_t size = shape.perImage();
  const std::vector<float> images(shape.size());
  std::vector<float> out(shape.size());
  Random random(7u), same(7u);
  addNoise(images.data(), shape.images, size, shape.images, 0.5, random, out.data());
  for (std::size_t i = 0; i < size; i++) CHECK(out[i] == static_cast<float>(0.5 * same.normal()));
  for (std::size_t i = size; i < out.size(); i++) CHECK(out[i] == out[i - size]);
  std::vector<float> grids(5 * shape.channels);
  std::vector<std::uint32_t> offsets(10);
  randomGrids(Random(3u), 5, {shape.channels, 4, 9}, 1, grids.data(), offsets.data());
  CHECK(std::count(grids.begin(), grids.end(), 1.0f) == static_cast<std::ptrdiff_t>(grids.size()));
  for (std::size_t i = 0; i < 10; i++) CHECK(offsets[i] < (i % 2 == 0 ? 4u : 9u));
}

void testFullGrad(Shape shape, bool lazy) {
  const std::vector<float> a = values(shape.size());
  const std::vector<float> g = values(shape.images * shape.channels * (lazy ? 1 : shape.positions));
  const std::vector<float> bias = values(shape.channels);
  std::vector<float> maps(shape.images * shape.positions);
  const Gradients gradients{g.data(), g.size() / shape.images, lazy};
  for (const bool perChannel : {false, true}) {
    fullGradTerm({a.data(), shape.perImage()}, nullptr, gradients, shape, perChannel, 1e-6, maps.data());
    for (const float value : maps) CHECK(value >= 0 && value <= static_cast<float>(shape.channels));
    fullGradTerm({}, bias.data(), gradients, shape, perChannel, 1e-6, maps.data());
    for (const float value : maps) CHECK(value >= 0 && value <= static_cast<float>(shape.channels));
  }
}

void testPowers(Shape shape, bool lazy) {
  const std::vector<float> a = values(shape.size());
  const std::size_t count = shape.images * shape.channels * (lazy ? 1 : shape.positions);
  std::vector<double> sums(3 * count);
  const std::vector<float> last = values(count);
  addGradientPowers(last.data(), count, sums.data());
  addGradientPowers(last.data(), count, sums.data());
  const PowerSums powers{sums.data(), count, 2, count / shape.images, lazy};
  std::vector<float> mean(shape.images * shape.channels), first(mean.size());
  smoothWeights({a.data(), shape.perImage()}, powers, nullptr, shape, mean.data());
  smoothWeights({a.data(), shape.perImage()}, powers, last.data(), shape, first.data());
  // All copies are the same, so that their mean is the last one.
  for (std::size_t i = 0; i < mean.size(); i++) CHECK(near(mean[i], first[i], 1e-6 * (1 + std::abs(first[i]))));
}

void testStatistics(Shape shape) {
  std::vector<float> a = values(shape.perImage());
  std::vector<double> deviation(shape.channels), mean(shape.channels), most(shape.channels), least(shape.channels);
  const auto find = [&](ChannelStatistic statistic, std::vector<double>& out) {
    channelStatistics(statistic, a.data(), shape.channels, shape.positions, out.data());
  };
  find(ChannelStatistic::deviation, deviation);
  find(ChannelStatistic::mean, mean);
  find(ChannelStatistic::maximum, most);
  find(ChannelStatistic::minimum, least);
  for (std::size_t k = 0; k < shape.channels; k++) {
    CHECK(least[k] <= mean[k] + 1e-9 && mean[k] <= most[k] + 1e-9);
    CHECK(deviation[k] <= most[k] - least[k] + 1e-9);
  }
  const std::uint32_t select[] = {static_cast<std::uint32_t>(shape.channels - 1), 0};
  std::fill_n(a.begin(), shape.positions, 4.0f);
  const float held[] = {5, 4};
  std::uint8_t uniform[2];
  uniformChannels(a.data(), shape.positions, select, held, 2, uniform);
  CHECK(uniform[0] == 0 && uniform[1] == 1);
}

void testAffine(std::size_t channels, std::size_t height, std::size_t width, bool lazy) {
  const std::size_t positions = height * width;
  const std::vector<float> a = values(channels * positions), g = values(2 * channels * (lazy ? 1 : positions));
  const double clean[] = {1, -2};
  const AffineTail tail{g.data(), lazy, a.data(), clean, 2, channels, height, width};
  // Nothing left out and everything kept are the unchanged activations.
  const std::vector<std::uint8_t> all(channels, 1);
  double kept[2];
  affineSetScores(tail, all.data(), 1, kept);
  CHECK(near(kept[0], 1, 1e-6) && near(kept[1], -2, 1e-6));
  const std::vector<std::uint8_t> none(channels, 0);
  double empty[2];
  affineSetScores(tail, none.data(), 1, empty);
  // Positions share the activations among them.
  std::vector<double> alone(2 * positions);
  affinePositionScores(tail, Neighbours::none, alone.data());
  double sum = 0;
  for (std::size_t p = 0; p < positions; p++) sum += alone[2 * p] - empty[0];
  CHECK(near(sum, 1 - empty[0], 1e-6 * static_cast<double>(channels * positions)));
  affinePositionScores(tail, Neighbours::spread, alone.data());
  affinePositionScores(tail, Neighbours::kept, alone.data());
  const std::uint32_t select[] = {static_cast<std::uint32_t>(channels - 1)};
  const float fill[] = {0};
  affineChannelScores(tail, select, fill, 1, kept);
  std::vector<std::uint8_t> without = all;
  without.back() = 0;
  double rest[2];
  affineSetScores(tail, without.data(), 1, rest);
  CHECK(near(kept[0], rest[0], 1e-6) && near(kept[1], rest[1], 1e-6));
}

void testAttention(std::size_t heads, std::size_t tokens) {
  std::vector<float> a = values(heads * tokens * tokens);
  for (float& value : a) value = std::abs(value);
  const std::vector<float> g = values(a.size());
  const std::vector<double> row(tokens, 1.0 / static_cast<double>(tokens));
  std::vector<double> out(tokens);
  for (const FuseHeads fuse : {FuseHeads::mean, FuseHeads::maximum, FuseHeads::minimum, FuseHeads::positiveMean}) {
    for (const double discard : {0.0, 0.5, 1.0}) {
      rollAttention({fuse, discard, true, true}, row.data(), a.data(), nullptr, heads, tokens, out.data());
      double sum = 0;
      for (const double value : out) sum += value;
      // Rows that add up to 1 keep the row's sum.
      CHECK(near(sum, 1, 1e-6));
      rollAttention({fuse, discard, false, false}, row.data(), a.data(), g.data(), heads, tokens, out.data());
      for (std::size_t i = 0; i < tokens; i++) CHECK(out[i] >= row[i]);
    }
  }
  if (tokens < 2) return;
  const Patches patches{1, tokens - 1};
  std::vector<double> positive(patches.count);
  positiveRows(a.data(), heads * tokens, tokens, patches, positive.data());
  for (const double value : positive) CHECK(value >= 0);
  std::vector<float> map(patches.count);
  attentionGradCam(a.data(), a.data(), heads, tokens, tokens, tokens, patches, map.data());
  for (const float value : map) CHECK(value >= 0);
}

void testMaps(Shape shape) {
  const std::vector<float> one = values(shape.size()), two = values(shape.size());
  std::vector<float> out(shape.size()), gated(shape.size());
  changeValues(ValueChange::positive, one.data(), one.size(), out.data());
  for (std::size_t i = 0; i < out.size(); i++) CHECK(out[i] == std::max(one[i], 0.0f));
  changeValues(ValueChange::absolute, one.data(), one.size(), out.data());
  for (std::size_t i = 0; i < out.size(); i++) CHECK(out[i] == std::abs(one[i]));
  changeValues(ValueChange::tanhOfDouble, one.data(), one.size(), out.data());
  for (const float value : out) CHECK(std::abs(value) <= 1);
  for (const Combination combination :
       {Combination::mean, Combination::maximum, Combination::product, Combination::sum}) {
    combineMaps(combination, {one.data(), two.data()}, one.size(), out.data());
  }
  for (std::size_t i = 0; i < out.size(); i++) CHECK(near(out[i], static_cast<double>(one[i]) + two[i], 1e-6));
  gateGradients({one.data(), shape.perImage()}, {two.data(), shape.perImage(), false}, shape, gated.data());
  for (std::size_t i = 0; i < out.size(); i++) CHECK(gated[i] == (one[i] * two[i] > 0 ? two[i] : 0));
  const std::vector<float> masks(shape.images * shape.positions, 2.0f);
  maskColours(one.data(), masks.data(), shape, out.data());
  for (std::size_t i = 0; i < out.size(); i++) CHECK(out[i] == 2 * one[i]);
  std::vector<float> strength(masks.size());
  colourStrength(one.data(), shape, strength.data());
  for (const float value : strength) CHECK(value >= 0);

  const std::size_t count = shape.images * shape.channels;
  std::vector<float> ranges(3 * count);
  mapRanges(one.data(), count, shape.positions, ranges.data());
  for (std::size_t n = 0; n < count; n++) CHECK(ranges[3 * n] <= ranges[3 * n + 1] && ranges[3 * n + 2] == 1);
  scaleByMaximum(one.data(), count, shape.positions, out.data());
  for (const float value : out) CHECK(value >= 0 && value <= 1);
  for (const double q : {0.0, 70.0, 100.0}) {
    positiveMaps(one.data(), count, shape.positions, q, out.data());
    for (std::size_t i = 0; i < out.size(); i++) CHECK(out[i] == 0 || out[i] == one[i]);
  }
  std::vector<std::uint8_t> pixels(3 * shape.positions);
  const std::size_t step = shape.channels >= 3 ? shape.positions : 0;
  tensorPicture(one.data(), one.size(), {0, shape.positions, 1, step}, 1, shape.positions, pixels.data());
  if (shape.size() == 1) CHECK(pixels[0] == 0);
}

}  // namespace

int main() {
  for (const Shape shape : kShapes) {
    testNoise(shape);
    testStatistics(shape);
    testMaps(shape);
    for (const bool lazy : {false, true}) {
      testFullGrad(shape, lazy);
      testPowers(shape, lazy);
    }
  }
  for (const bool lazy : {false, true}) {
    testAffine(1, 1, 1, lazy);
    testAffine(3, 1, 7, lazy);
    testAffine(5, 4, 3, lazy);
    testAffine(33, 31, 17, lazy);
  }
  testAttention(1, 1);
  testAttention(3, 5);
  testAttention(4, 197);
  return onnx_cam::test::result();
}
