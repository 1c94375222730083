// A flag that can be raised once from any thread, with hooks for work that has to be told.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <utility>

namespace onnx_cam {

class Cancellation {
 public:
  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }

  /// For work that looks at a flag and knows nothing else of cancellations; lives as long as this does.
  const std::atomic<bool>& flag() const noexcept { return cancelled_; }

  /// Raises the flag and calls every living hook once, on this thread.
  void cancel() {
    std::lock_guard lock(mutex_);
    if (cancelled_.exchange(true)) return;
    for (auto& hook : hooks_) hook();
  }

  /// Calls `action` when (or at once, if) the flag is raised, as long as the hook lives. `action` runs under the
  /// cancellation's lock: it must be short, must not throw, and must not touch the cancellation or its hooks.
  class Hook {
   public:
    Hook(Cancellation& cancellation, std::function<void()> action) : cancellation_(cancellation) {
      std::lock_guard lock(cancellation_.mutex_);
      if (cancellation_.cancelled()) action();
      position_ = cancellation_.hooks_.insert(cancellation_.hooks_.end(), std::move(action));
    }
    ~Hook() {
      std::lock_guard lock(cancellation_.mutex_);
      cancellation_.hooks_.erase(position_);
    }
    Hook(const Hook&) = delete;
    Hook& operator=(const Hook&) = delete;

   private:
    Cancellation& cancellation_;
    std::list<std::function<void()>>::iterator position_;
  };

 private:
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::list<std::function<void()>> hooks_;
};

}  // namespace onnx_cam
