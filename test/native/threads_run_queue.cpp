// RunQueue: order, the limit on jobs at once, raising it, jobs that post jobs, many posters, what its threads yield to.
#ifdef __linux__
#include <sched.h>
#include <sys/resource.h>
#endif

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "check.hpp"
#include "engine/run_queue.hpp"

using onnx_cam::RunQueue;

namespace {

/// Waits until `count` jobs have reported.
class Countdown {
 public:
  explicit Countdown(int count) : left_(count) {}
  void done() {
    std::lock_guard lock(mutex_);
    if (--left_ <= 0) finished_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return finished_.wait_for(lock, std::chrono::seconds(60), [this] { return left_ <= 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable finished_;
  int left_;
};

/// Queues are never destroyed, as in the addon: their threads sleep in them until the process ends.
RunQueue& leakedQueue(std::size_t limit) { return *new RunQueue(limit); }

void oneThreadKeepsTheOrder() {
  RunQueue& queue = leakedQueue(1);
  constexpr int kJobs = 1000;
  Countdown countdown(kJobs);
  std::vector<int> order;
  for (int i = 0; i < kJobs; ++i) {
    queue.post([&, i] {
      order.push_back(i);
      countdown.done();
    });
  }
  CHECK(countdown.wait());
  CHECK(order.size() == kJobs);
  for (int i = 0; i < kJobs; ++i) CHECK(order[i] == i);
}

/// How many of `jobs` jobs were ever at work at the same time.
int mostAtOnce(RunQueue& queue, int jobs) {
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  Countdown countdown(jobs);
  for (int i = 0; i < jobs; ++i) {
    queue.post([&] {
      const int now = ++running;
      int seen = most.load();
      while (seen < now && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      --running;
      countdown.done();
    });
  }
  CHECK(countdown.wait());
  return most;
}

void theLimitHoldsAndCanBeRaised() {
  RunQueue& queue = leakedQueue(2);
  CHECK(mostAtOnce(queue, 12) == 2);
  queue.raiseLimit(4);
  CHECK(mostAtOnce(queue, 16) == 4);
  queue.raiseLimit(3);
  CHECK(mostAtOnce(queue, 16) == 4);
}

void raisingTheLimitHelpsJobsThatWaitAlready() {
  RunQueue& queue = leakedQueue(1);
  Countdown both(2);
  Countdown meeting(2);
  for (int i = 0; i < 2; ++i) {
    queue.post([&] {
      meeting.done();
      CHECK(meeting.wait());  // Ends only when both jobs run at the same time.
      both.done();
    });
  }
  queue.raiseLimit(2);
  CHECK(both.wait());
}

void jobsMayPostJobs() {
  RunQueue& queue = leakedQueue(2);
  Countdown countdown(100);
  std::function<void(int)> chain = [&](int left) {
    countdown.done();
    if (left > 1) queue.post([&, left] { chain(left - 1); });
  };
  queue.post([&] { chain(100); });
  CHECK(countdown.wait());
}

void manyThreadsMayPost() {
  RunQueue& queue = leakedQueue(3);
  constexpr int kPosters = 4;
  constexpr int kJobs = 500;
  Countdown countdown(kPosters * kJobs);
  std::atomic<int> sum{0};
  std::vector<std::thread> posters;
  for (int poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&] {
      for (int i = 0; i < kJobs; ++i) {
        queue.post([&] {
          ++sum;
          countdown.done();
        });
      }
    });
  }
  for (auto& poster : posters) poster.join();
  CHECK(countdown.wait());
  CHECK(sum == kPosters * kJobs);
}

void aJobIsDroppedOnItsThreadBeforeTheNextBegins() {
  RunQueue& queue = leakedQueue(1);
  Countdown countdown(1);
  auto held = std::make_shared<int>(1);
  std::weak_ptr<int> watched = held;
  bool gone = false;
  queue.post([held = std::move(held)] { CHECK(*held == 1); });
  queue.post([&] {
    gone = watched.expired();
    countdown.done();
  });
  CHECK(countdown.wait());
  CHECK(gone);
}

void kernelsDoNotWaitBehindRuns() {
  Countdown release(1);
  constexpr int kRuns = 200;
  Countdown runs(kRuns);
  for (int i = 0; i < kRuns; ++i) {
    RunQueue::runs().post([&] {
      CHECK(release.wait());
      runs.done();
    });
  }
  Countdown kernel(1);
  RunQueue::kernels().post([&] { kernel.done(); });
  CHECK(kernel.wait());
  release.done();
  CHECK(runs.wait());
}

#ifdef __linux__
void threadsThatComputeYieldToOthers() {
  struct Scheduling {
    int policy = sched_getscheduler(0);
    int priority = getpriority(PRIO_PROCESS, 0);
  };
  const Scheduling before;
  Scheduling job;
  Scheduling started;
  Countdown countdown(1);
  leakedQueue(1).post([&] {
    job = Scheduling();
    std::thread([&] { started = Scheduling(); }).join();
    countdown.done();
  });
  CHECK(countdown.wait());
  CHECK(job.policy == SCHED_BATCH);
  CHECK(job.priority == before.priority);
  // Such as those that ONNX Runtime makes for a session.
  CHECK(started.policy == job.policy && started.priority == job.priority);
  const Scheduling after;
  CHECK(after.policy == before.policy && after.priority == before.priority);
}
#endif

}  // namespace

int main() {
#ifdef __linux__
  threadsThatComputeYieldToOthers();
#endif
  oneThreadKeepsTheOrder();
  theLimitHoldsAndCanBeRaised();
  raisingTheLimitHelpsJobsThatWaitAlready();
  jobsMayPostJobs();
  manyThreadsMayPost();
  aJobIsDroppedOnItsThreadBeforeTheNextBegins();
  kernelsDoNotWaitBehindRuns();
  return onnx_cam::test::result();
}
