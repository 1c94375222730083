#include "engine/run_queue.hpp"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "engine/pin.hpp"
#include "engine/thread_priority.hpp"

namespace onnx_cam {

namespace {

std::size_t cores() { return std::max(2u, std::thread::hardware_concurrency()); }

}  // namespace

RunQueue& RunQueue::runs() {
  static auto* queue = new RunQueue(cores());
  return *queue;
}

RunQueue& RunQueue::kernels() {
  static auto* queue = new RunQueue(cores());
  return *queue;
}

RunQueue::RunQueue(std::size_t limit) : limit_(std::max<std::size_t>(limit, 1)) {}

void RunQueue::post(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    try {
      if (idle_ < jobs_.size() && threads_ < limit_) startThread();
    } catch (...) {
      // The threads that exist serve the queue. Without any, the job could never run.
      if (threads_ == 0) {
        jobs_.pop_back();
        throw;
      }
    }
  }
  // Without the lock: the thread that wakes up would only wait for it.
  posted_.notify_one();
}

void RunQueue::raiseLimit(std::size_t limit) {
  std::lock_guard lock(mutex_);
  limit_ = std::max(limit_, limit);
  try {
    for (std::size_t waiting = jobs_.size(); waiting > idle_ && threads_ < limit_; --waiting) startThread();
  } catch (const std::exception&) {
    // Then those that exist do the waiting jobs: there are some, or `post` would not have taken them.
  }
}

// Called with the mutex held. Throws what std::thread does when the system refuses another thread, or has no memory.
void RunQueue::startThread() {
  static const bool pinned = (pinModule(), true);
  (void)pinned;
  std::thread([this] { serve(); }).detach();
  ++threads_;
}

void RunQueue::serve() {
  yieldToEventLoop();
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    posted_.wait(lock, [this] { return !jobs_.empty(); });
    --idle_;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // What the job holds is released here, on the pool's thread and without the lock.
    lock.lock();
  }
}

}  // namespace onnx_cam
