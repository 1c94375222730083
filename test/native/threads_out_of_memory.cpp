// No memory for another helper: whoever shares work out does it with those that there are, and its frame stays until the
// last one has left it.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "check.hpp"
#include "engine/run_queue.hpp"
#include "kernels/base/parallel.hpp"
#include "scoring/parallel_runs.hpp"

namespace {

/// Allocations that this thread still gets; below 0 there is no limit.
thread_local int allocationsLeft = -1;

}  // namespace

// Not inlined: g++ would see memory of malloc given to delete, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (allocationsLeft == 0) throw std::bad_alloc();
  if (allocationsLeft > 0) allocationsLeft--;
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace onnx_cam;

namespace {

using std::chrono::milliseconds;

/// What a caller's frame would hold: bodies that are still at work when it has gone are counted.
struct Frame {
  std::atomic<bool> gone{false};
  std::atomic<int> visits{0};
  std::atomic<int> late{0};

  void visit() {
    visits++;
    std::this_thread::sleep_for(milliseconds(1));
    if (gone) late++;
  }
};

/// Runs `share` with so few allocations; returns whether it did the work, and false when it threw for want of memory.
bool withAllocations(int count, const std::function<void()>& share) {
  bool done = true;
  allocationsLeft = count;
  try {
    share();
  } catch (const std::bad_alloc&) {
    done = false;
  }
  allocationsLeft = -1;
  return done;
}

void loopsGoOnWithFewerHelpers() {
  kernels::setKernelThreads(8);
  kernels::parallelFor(64, 1, [](std::size_t, std::size_t) { std::this_thread::sleep_for(milliseconds(1)); });
  int done = 0;
  for (int round = 0; round < 120; round++) {
    Frame frame;
    const std::function<void(std::size_t, std::size_t)> body = [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; i++) frame.visit();
    };
    const bool all = withAllocations(round % 3, [&] { kernels::parallelFor(8, 1, body); });
    frame.gone = true;
    std::this_thread::sleep_for(milliseconds(3));
    CHECK(frame.late == 0);
    CHECK(frame.visits == (all ? 8 : 0));
    done += all ? 1 : 0;
  }
  CHECK(done > 0);
}

/// Queues are never destroyed, as in the addon; those without a thread must be findable for the leak sanitizer.
RunQueue& leakedQueue(std::size_t limit) {
  static auto& queues = *new std::vector<RunQueue*>;
  return *queues.emplace_back(new RunQueue(limit));
}

void runsGoOnWithFewerHelpers() {
  RunQueue& queue = leakedQueue(4);
  std::atomic<int> started{0};
  for (int i = 0; i < 4; i++) {
    queue.post([&] {
      started++;
      std::this_thread::sleep_for(milliseconds(20));
    });
  }
  while (started < 4) std::this_thread::yield();
  int done = 0;
  for (int round = 0; round < 80; round++) {
    Frame frame;
    std::atomic<std::size_t> next{0};
    std::atomic<bool> failed{false};
    const std::function<void(std::size_t)> body = [&](std::size_t) {
      while (next++ < 8) frame.visit();
    };
    const bool all = withAllocations(round % 8, [&] { runParallel(queue, 6, failed, body); });
    frame.gone = true;
    std::this_thread::sleep_for(milliseconds(3));
    CHECK(frame.late == 0);
    CHECK(frame.visits == (all ? 8 : 0));
    done += all ? 1 : 0;
  }
  CHECK(done > 0);
}

// Whatever fails in `post`: a job that it took runs once, one that it refused never.
void aJobRunsOnceOrIsRefused() {
  for (int allocations = 0; allocations < 6; allocations++) {
    RunQueue& queue = leakedQueue(2);
    const auto runs = std::make_shared<std::atomic<int>>(0);
    const std::function<void()> job = [runs] { ++*runs; };
    int taken = 0;
    for (int i = 0; i < 3; i++) taken += withAllocations(allocations, [&] { queue.post(job); }) ? 1 : 0;
    for (int i = 0; i < 200 && *runs < taken; i++) std::this_thread::sleep_for(milliseconds(1));
    std::this_thread::sleep_for(milliseconds(5));
    CHECK(*runs == taken);
  }
}

}  // namespace

int main() {
  loopsGoOnWithFewerHelpers();
  runsGoOnWithFewerHelpers();
  aJobRunsOnceOrIsRefused();
  return test::result();
}
