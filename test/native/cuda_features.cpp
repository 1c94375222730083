// Reductions of feature maps on a CUDA device, with the code that drives a GPU, on the emulation in cuda_emulation/: the same
// results as on the CPU, and nothing leaked.
#include <cuda_runtime.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "check.hpp"
#include "device/device_features.hpp"
#include "kernels/reduce/channel_means.hpp"

using namespace onnx_cam;
using namespace onnx_cam::kernels;

namespace {

std::vector<float> values(std::size_t count) {
  static std::uint32_t state = 3;
  std::vector<float> result(count);
  for (float& value : result) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<std::int32_t>(state)) / 2147483648.0f;
  }
  return result;
}

bool close(const std::vector<float>& actual, const std::vector<float>& expected, double tolerance) {
  for (std::size_t i = 0; i < expected.size(); i++) {
    if (std::isnan(expected[i]) && std::isnan(actual[i])) continue;
    if (!(std::abs(actual[i] - expected[i]) <= tolerance * std::max(1.0f, std::abs(expected[i])))) return false;
  }
  return true;
}

/// Every reduction; gradients on the device, or one weight per channel in the CPU's memory.
void testShape(Device& device, Shape shape, bool weights) {
  const std::vector<float> a = values(shape.size());
  const std::vector<float> g = values(shape.images * shape.channels * (weights ? 1 : shape.positions));
  const auto there = copyToDevice(device, a.data(), a.size());
  const auto gradients = copyToDevice(device, g.data(), g.size());
  const std::size_t step = weights ? shape.channels : shape.perImage();
  const Features features{a.data(), shape.perImage()};
  const Gradients factors{g.data(), step, weights};
  DeviceOperands operands{{there.data(), shape.perImage()}, {gradients.data(), step, weights}};
  if (weights) {
    operands.factors.data = g.data();
    operands.weights = true;
    operands.weightCount = g.size();
  }
  std::vector<float> rows(shape.images * shape.channels), expectedRows(rows.size());
  std::vector<float> maps(shape.images * shape.positions), expectedMaps(maps.size());
  channelMeans(a.data(), shape, expectedRows.data());
  channelMeansOn(device, there.data(), shape, rows.data());
  CHECK(close(rows, expectedRows, 1e-6));
  channelSum(Term::positiveGradient, features, factors, shape, expectedMaps.data());
  channelSumOn(device, Term::positiveGradient, operands, shape, maps.data());
  CHECK(close(maps, expectedMaps, 1e-5));
  gradCamPlusPlusWeights(PlusPlusMode::torchcam, features, factors, shape, expectedRows.data());
  plusPlusWeightsOn(device, PlusPlusMode::torchcam, operands, shape, rows.data());
  CHECK(close(rows, expectedRows, 1e-5));
  xgradCamWeights(3, true, features, factors, shape, expectedRows.data());
  xgradWeightsOn(device, 3, true, operands, shape, rows.data());
  CHECK(close(rows, expectedRows, 1e-4));
  for (const bool centre : {false, true}) {
    for (const SignRule sign : {SignRule::largest, SignRule::activation}) {
      principalComponent(features, factors, centre, sign, shape, expectedMaps.data());
      principalComponentOn(device, operands, centre, sign, shape, maps.data());
      CHECK(close(maps, expectedMaps, 1e-4));
    }
  }
}

void testNotFinite(Device& device) {
  const Shape shape{2, 5, 6};
  std::vector<float> a = values(shape.size());
  a.back() = std::numeric_limits<float>::infinity();
  const auto there = copyToDevice(device, a.data(), a.size());
  std::vector<float> maps(shape.images * shape.positions);
  principalComponentOn(device, {{there.data(), shape.perImage()}, {}}, false, SignRule::largest, shape, maps.data());
  CHECK(std::isfinite(maps.front()) && std::isnan(maps.back()));
  const std::vector<float> zeros(shape.size());
  const auto nothing = copyToDevice(device, zeros.data(), zeros.size());
  principalComponentOn(device, {{nothing.data(), shape.perImage()}, {}}, false, SignRule::largest, shape, maps.data());
  for (const float value : maps) CHECK(value == 0);
}

}  // namespace

int main() {
  const char* path = std::getenv("ONNXRUNTIME_LIBRARY");
  CHECK(path != nullptr && *path != '\0');
  if (test::failures > 0) return test::result();
  {
    const auto device = makeCudaDevice(Library::open(path), 0, nullptr);
    for (const Shape shape : {Shape{1, 1, 1}, Shape{2, 9, 35}, Shape{2, 70, 12}}) {
      for (const bool weights : {false, true}) testShape(*device, shape, weights);
    }
    testNotFinite(*device);
  }
  CHECK(cuda_emulation::livingObjects() == 0);
  return test::result();
}
