// A queue of jobs served by detached threads that are started when jobs wait and none is idle.
//
// Both queues of the process are made on first use and never destroyed: their threads outlive every Node environment
// and sleep through process exit, so nothing here may have a static destructor.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace onnx_cam {

class RunQueue {
 public:
  /// Model runs and session creation: as many threads as cores, because each job keeps one busy for long.
  static RunQueue& runs();
  /// Short jobs that must not wait behind model runs: kernels, the release of sessions.
  static RunQueue& kernels();

  /// At most `limit` jobs run at once.
  explicit RunQueue(std::size_t limit);
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  /// Runs `job` on a thread of the pool, in the order of posting; it must not throw.
  /// Throws std::bad_alloc or std::system_error, and the job never runs, where there is no memory or no thread for it.
  void post(std::function<void()> job);

  /// Lets at least `limit` jobs run at once from now on; never lowers the limit.
  void raiseLimit(std::size_t limit);

 private:
  void startThread();
  void serve();

  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::function<void()>> jobs_;
  std::size_t limit_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
};

}  // namespace onnx_cam
