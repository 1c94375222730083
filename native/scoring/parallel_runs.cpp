#include "scoring/parallel_runs.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>

namespace onnx_cam {

namespace {

/// Shared with helpers that may still sit in the queue when the caller has gone; those find it closed.
struct Crew {
  std::mutex mutex;
  std::condition_variable left;
  bool closed = false;
  std::size_t inside = 0;
  std::exception_ptr error;
};

}  // namespace

Chunks::Chunks(std::size_t total, std::size_t size, std::size_t workers)
    : total_(total), size_(std::max<std::size_t>(size, 1)), workers_(std::max<std::size_t>(workers, 1)) {}

std::optional<Range> Chunks::next() {
  std::lock_guard lock(mutex_);
  if (!returned_.empty()) {
    const Range range = returned_.front();
    const std::size_t end = std::min(range.end, range.begin + size_);
    returned_.front().begin = end;
    if (end == range.end) returned_.pop_front();
    return Range{range.begin, end};
  }
  if (begin_ == total_) return std::nullopt;
  if (parts_ == 0 && total_ - begin_ < size_ * workers_) {
    lastRound_ = begin_;
    parts_ = std::min(total_ - begin_, workers_);
  }
  std::size_t end = begin_ + size_;
  if (parts_ > 0) {
    const std::size_t share = lastRound_ + (part_ + 1) * (total_ - lastRound_) / parts_;
    if (share <= end) part_++;
    end = std::min(end, share);
  }
  const Range range{begin_, end};
  begin_ = end;
  return range;
}

bool Chunks::halve(Range chunk) {
  if (chunk.size() <= 1) return false;
  std::lock_guard lock(mutex_);
  size_ = std::min(size_, chunk.size() / 2);
  returned_.push_back(chunk);
  return true;
}

std::size_t Chunks::size() const {
  std::lock_guard lock(mutex_);
  return size_;
}

void runParallel(RunQueue& queue, std::size_t workers, std::atomic<bool>& failed,
                 const std::function<void(std::size_t worker)>& body) {
  auto crew = std::make_shared<Crew>();
  const auto work = [&failed, &body, crew = crew.get()](std::size_t worker) {
    try {
      body(worker);
    } catch (...) {
      failed = true;
      std::lock_guard lock(crew->mutex);
      if (!crew->error) crew->error = std::current_exception();
    }
  };
  try {
    for (std::size_t worker = 1; worker < workers; worker++) {
      // `work` refers to this frame, which stays until every helper that got inside has left.
      queue.post([crew, &work, worker] {
        {
          std::lock_guard lock(crew->mutex);
          if (crew->closed) return;
          crew->inside++;
        }
        work(worker);
        std::lock_guard lock(crew->mutex);
        crew->inside--;
        crew->left.notify_all();
      });
    }
  } catch (const std::exception&) {
    // No memory or no thread for another helper: those that there are, and this thread, do it all.
  }
  work(0);
  std::unique_lock lock(crew->mutex);
  crew->closed = true;
  crew->left.wait(lock, [&] { return crew->inside == 0; });
  if (crew->error) std::rethrow_exception(crew->error);
}

}  // namespace onnx_cam
