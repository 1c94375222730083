// Kernels end when their thread's flag is raised: loops on all their threads, and every kernel that may take long.
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "check.hpp"
#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/decompose/factorize.hpp"
#include "kernels/decompose/gram.hpp"
#include "kernels/decompose/kernel_pca.hpp"
#include "kernels/decompose/leading_eigenpair.hpp"
#include "kernels/decompose/principal_component.hpp"
#include "kernels/mask/clip_maps.hpp"
#include "kernels/mask/cluster_channels.hpp"
#include "kernels/mask/distinct_maps.hpp"
#include "kernels/mask/gaussian_blur.hpp"
#include "kernels/mask/mask_batch.hpp"
#include "kernels/mask/similar_channels.hpp"
#include "kernels/picture/resample_image.hpp"

using namespace onnx_cam;
using namespace onnx_cam::kernels;

namespace {

using Clock = std::chrono::steady_clock;

bool interrupted(const std::atomic<bool>& flag, const std::function<void()>& work) {
  const InterruptionScope scope(&flag);
  try {
    work();
    return false;
  } catch (const Interrupted&) {
    return true;
  }
}

void scopesNest() {
  const std::atomic<bool> raised{true}, calm{false};
  checkInterruption();
  const InterruptionScope outer(&calm);
  CHECK(interrupted(raised, [] { checkInterruption(); }));
  CHECK(interruptionFlag() == &calm);
  checkInterruption();
}

// The parts that pool threads do heed the caller's flag, also in loops within them.
void loopsEndOnAllThreads(std::size_t threads) {
  setKernelThreads(threads);
  for (int round = 0; round < 20; round++) {
    std::atomic<bool> flag{false};
    std::atomic<int> parts{0};
    CHECK(interrupted(flag, [&] {
      parallelFor(1000, 10, [&](std::size_t, std::size_t) {
        parts++;
        flag = true;
        parallelFor(10, 1, [](std::size_t, std::size_t) { checkInterruption(); });
      });
    }));
    CHECK(parts <= static_cast<int>(threads));
    parallelFor(100, 1, [](std::size_t, std::size_t) { checkInterruption(); });
  }
}

std::vector<float> values(std::size_t count) {
  std::uint32_t state = 7;
  std::vector<float> result(count);
  for (float& value : result) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<std::int32_t>(state)) / 2147483648.0f;
  }
  return result;
}

void everyKernelHeedsIt() {
  setKernelThreads(2);
  const Shape shape{1, 16, 30 * 30};
  const std::vector<float> a = values(shape.size());
  std::vector<float> out(2 * shape.size());
  std::vector<double> gram(shape.positions * shape.positions);
  const std::vector<float> start(2 * (shape.channels + shape.positions), 0.5f);
  const std::vector<std::uint32_t> select{0, 1, 2};
  std::vector<std::uint8_t> bytes(30 * 30 * 16);
  const MaskPlan plan(30, 30, 60, 60, MaskGrid::mirror);
  const std::vector<MaskOffset> offsets(16);
  const std::vector<double> weights(16, 1);
  const std::function<void()> kernels[] = {
      [&] { gramMatrix(a.data(), 8, 32, gram.data()); },
      [&] { leadingEigenpair(gram.data(), 30); },
      [&] { principalComponent({a.data(), 0}, {}, true, SignRule::largest, shape, out.data()); },
      [&] { kernelPca(PcaKernel::sigmoid, 0.1, a.data(), shape, out.data()); },
      [&] { sampledKernelPca(PcaKernel::rbf, 0.1, a.data(), shape.channels, shape.positions, 64, out.data()); },
      [&] { factorize(a.data(), shape, true, 2, start.data(), out.data()); },
      [&] { clusterChannels(a.data(), shape.channels, shape.positions, 4, 1); },
      [&] { similarChannels(a.data(), shape.channels, shape.positions, 0.5, select.data(), 3, bytes.data()); },
      [&] { gaussianBlur(a.data(), 16, 30, 30, false, 3, 1, out.data()); },
      [&] { gaussianBlur(a.data(), 16, 30, 30, true, 3, 1, out.data()); },
      [&] { clipMaps(a.data(), shape.channels, shape.positions, 1, 99, out.data()); },
      [&] { findDistinctMaps(a.data(), shape.channels, shape.positions, {}, true, false); },
      [&] { findDistinctSets(bytes, 16, true); },
      [&] { sumMasks(plan, a.data(), 16, offsets.data(), weights.data(), 1, 60, 60, out.data()); },
      [&] { resampleImage(bytes.data(), {30, 30}, 3, {40, 40}, {0, 0, 40, 40}, ImageFilter::bicubic, out.data()); },
  };
  const std::atomic<bool> raised{true}, calm{false};
  for (const auto& kernel : kernels) {
    CHECK(interrupted(raised, kernel));
    CHECK(!interrupted(calm, kernel));
  }
}

// 14,400 positions: the component alone takes far longer than this may.
void aLongKernelEndsSoon() {
  setKernelThreads(2);
  const Shape shape{1, 64, 120 * 120};
  const std::vector<float> a = values(shape.size());
  std::vector<float> map(shape.positions);
  std::atomic<bool> flag{false};
  Clock::time_point raised;
  std::thread user([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    raised = Clock::now();
    flag = true;
  });
  const bool ended = interrupted(flag, [&] { kernelPca(PcaKernel::sigmoid, 1.0 / 64, a.data(), shape, map.data()); });
  const auto over = Clock::now();
  user.join();
  CHECK(ended);
  CHECK(over - raised < std::chrono::seconds(2));
}

}  // namespace

int main() {
  scopesNest();
  for (const std::size_t threads : {1, 2, 8}) loopsEndOnAllThreads(threads);
  everyKernelHeedsIt();
  aLongKernelEndsSoon();
  return test::result();
}
