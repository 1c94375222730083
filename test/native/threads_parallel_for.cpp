// parallelFor: every item once, for any sizes; callers on several threads at once; nesting; errors.
#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "kernels/base/parallel.hpp"

using onnx_cam::kernels::parallelFor;

namespace {

void everyItemOnce(std::size_t count, std::size_t grain) {
  std::vector<int> visits(count, 0);
  parallelFor(count, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) visits[i]++;
  });
  bool once = true;
  for (const int visit : visits) once = once && visit == 1;
  CHECK(once);
}

void errorsArrive() {
  std::atomic<int> parts{0};
  const auto run = [&] {
    parallelFor(64, 1, [&](std::size_t, std::size_t) {
      parts++;
      throw std::runtime_error("on purpose");
    });
  };
  const auto ours = [](const std::runtime_error& error) { return error.what() == std::string("on purpose"); };
  CHECK_THROWS(run(), std::runtime_error, ours);
  CHECK(parts > 0);
  everyItemOnce(1000, 1);
}

void nestedLoopsRun() {
  std::atomic<std::size_t> sum{0};
  parallelFor(16, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      parallelFor(100, 1, [&](std::size_t first, std::size_t last) { sum += last - first; });
    }
  });
  CHECK(sum == 1600);
}

}  // namespace

int main() {
  for (const std::size_t threads : {1, 2, 8}) {
    onnx_cam::kernels::setKernelThreads(threads);
    for (const std::size_t count : {0, 1, 2, 7, 33, 10000}) {
      for (const std::size_t grain : {1, 5, 20000}) everyItemOnce(count, grain);
    }
    errorsArrive();
    nestedLoopsRun();
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; caller++) {
      callers.emplace_back([] {
        for (int round = 0; round < 50; round++) everyItemOnce(500, 1);
      });
    }
    for (std::thread& caller : callers) caller.join();
  }
  return onnx_cam::test::result();
}
