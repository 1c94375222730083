// Cancellation: hooks are called once, at once when it was raised before, and never after they are gone.
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "check.hpp"
#include "engine/cancellation.hpp"

using onnx_cam::Cancellation;

namespace {

void hooksAreCalledOnce() {
  Cancellation cancellation;
  int first = 0;
  int second = 0;
  Cancellation::Hook one(cancellation, [&] { ++first; });
  Cancellation::Hook two(cancellation, [&] { ++second; });
  CHECK(!cancellation.cancelled());
  cancellation.cancel();
  cancellation.cancel();
  CHECK(cancellation.cancelled());
  CHECK(first == 1 && second == 1);
}

void aLateHookIsCalledAtOnce() {
  Cancellation cancellation;
  cancellation.cancel();
  int calls = 0;
  Cancellation::Hook hook(cancellation, [&] { ++calls; });
  CHECK(calls == 1);
  cancellation.cancel();
  CHECK(calls == 1);
}

void aHookThatIsGoneIsNotCalled() {
  Cancellation cancellation;
  int calls = 0;
  {
    Cancellation::Hook hook(cancellation, [&] { ++calls; });
  }
  cancellation.cancel();
  CHECK(calls == 0);
}

// What a hook touches may be freed as soon as the hook is gone, however close the cancellation comes.
void hooksRaceWithTheCancellation() {
  for (int round = 0; round < 300; ++round) {
    Cancellation cancellation;
    std::atomic<bool> go{false};
    std::vector<std::thread> workers;
    for (int worker = 0; worker < 3; ++worker) {
      workers.emplace_back([&] {
        while (!go) std::this_thread::yield();
        for (int i = 0; i < 10; ++i) {
          auto calls = std::make_unique<int>(0);
          {
            Cancellation::Hook hook(cancellation, [&] { ++*calls; });
          }
          CHECK(*calls <= 1);
        }
      });
    }
    go = true;
    cancellation.cancel();
    for (auto& worker : workers) worker.join();
  }
}

}  // namespace

int main() {
  hooksAreCalledOnce();
  aLateHookIsCalledAtOnce();
  aHookThatIsGoneIsNotCalled();
  hooksRaceWithTheCancellation();
  return onnx_cam::test::result();
}
