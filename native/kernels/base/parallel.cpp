#include "kernels/base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "kernels/base/interruption.hpp"

namespace onnx_cam::kernels {
namespace {

constexpr std::size_t kMaxThreads = 8;
// A part should take longer than waking a sleeping thread does.
constexpr std::size_t kWorthwhileOperations = 1 << 19;
// More parts than threads, so that a thread that was held up does not hold up the rest.
constexpr std::size_t kPartsPerThread = 4;

struct Loop {
  const std::function<void(std::size_t, std::size_t)>* body = nullptr;
  std::size_t count = 0;
  std::size_t step = 0;
  std::size_t parts = 0;
  const std::atomic<bool>* interruption = nullptr;
  std::atomic<std::size_t> next{0};

  std::mutex mutex;
  std::condition_variable allDone;
  std::size_t done = 0;
  std::exception_ptr error;

  /// Takes parts until none is left. Does not throw.
  void help() {
    const InterruptionScope scope(interruption);
    for (;;) {
      const std::size_t part = next.fetch_add(1, std::memory_order_relaxed);
      if (part >= parts) return;
      const std::size_t begin = part * step;
      std::exception_ptr failure;
      try {
        checkInterruption();
        (*body)(begin, std::min(begin + step, count));
      } catch (...) {
        failure = std::current_exception();
      }
      const std::lock_guard lock(mutex);
      if (failure && !error) error = failure;
      if (++done == parts) allDone.notify_all();
    }
  }

  void wait() {
    std::unique_lock lock(mutex);
    allDone.wait(lock, [this] { return done == parts; });
    if (error) std::rethrow_exception(error);
  }
};

thread_local bool insideLoop = false;

/// Never destroyed: its threads sleep until the process ends.
class Pool {
 public:
  static Pool& instance() {
    static Pool& pool = *new Pool;
    return pool;
  }

  /// Hands the loop to up to so many threads. Does not throw: once a thread has the loop, the caller's frame must stay until
  /// `wait` has returned; fewer helpers only take longer.
  void offer(const std::shared_ptr<Loop>& loop, std::size_t helpers) noexcept {
    std::size_t waiting = 0;
    {
      const std::lock_guard lock(mutex_);
      while (threads_ < helpers && startThread()) threads_++;
      const std::size_t most = std::min(helpers, threads_);
      try {
        for (; waiting < most; waiting++) loops_.push_back(loop);
      } catch (const std::bad_alloc&) {
      }
    }
    for (std::size_t i = 0; i < waiting; i++) work_.notify_one();
  }

 private:
  bool startThread() {
    try {
      std::thread([this] { serve(); }).detach();
      return true;
    } catch (const std::system_error&) {
      return false;  // The caller does the work alone.
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  void serve() {
    insideLoop = true;
    for (;;) {
      std::shared_ptr<Loop> loop;
      {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [this] { return !loops_.empty(); });
        loop = std::move(loops_.front());
        loops_.pop_front();
      }
      loop->help();
    }
  }

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::shared_ptr<Loop>> loops_;
  std::size_t threads_ = 0;
};

std::atomic<std::size_t>& threadLimit() {
  static std::atomic<std::size_t> limit{std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMaxThreads)};
  return limit;
}

}  // namespace

std::size_t kernelThreads() { return threadLimit().load(std::memory_order_relaxed); }

void setKernelThreads(std::size_t count) {
  threadLimit().store(std::clamp<std::size_t>(count, 1, kMaxThreads), std::memory_order_relaxed);
}

void parallelFor(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body) {
  if (count == 0) return;
  const std::size_t threads = insideLoop ? 1 : kernelThreads();
  const std::size_t wanted = threads * kPartsPerThread;
  const std::size_t step = std::max({grain, (count + wanted - 1) / wanted, std::size_t{1}});
  const std::size_t parts = (count + step - 1) / step;
  if (threads == 1 || parts == 1) {
    for (std::size_t begin = 0; begin < count; begin += step) {
      checkInterruption();
      body(begin, std::min(begin + step, count));
    }
    return;
  }
  const auto loop = std::make_shared<Loop>();
  loop->body = &body;
  loop->count = count;
  loop->step = step;
  loop->parts = parts;
  loop->interruption = interruptionFlag();
  Pool::instance().offer(loop, std::min(threads, parts) - 1);
  // A helper that comes late finds no part left and never touches `body`.
  insideLoop = true;
  loop->help();
  insideLoop = false;
  loop->wait();
}

std::size_t grainFor(std::size_t operations) {
  return std::max<std::size_t>(1, kWorthwhileOperations / std::max<std::size_t>(1, operations));
}

}  // namespace onnx_cam::kernels
