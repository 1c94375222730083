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
    : total_(total), size_(std::max<std::size_t>(size, 1)), workers_(std::max<std::size_t>(workers, 1)) {
  whole_ = total_ / (size_ * workers_) * workers_;
}

std::optional<Range> Chunks::next() {
  const std::size_t index = taken_.fetch_add(1);
  if (index < whole_) return Range{index * size_, (index + 1) * size_};
  const std::size_t start = whole_ * size_, rest = total_ - start, parts = std::min(rest, workers_);
  const std::size_t part = index - whole_;
  if (part >= parts) return std::nullopt;
  return Range{start + part * rest / parts, start + (part + 1) * rest / parts};
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
  work(0);
  std::unique_lock lock(crew->mutex);
  crew->closed = true;
  crew->left.wait(lock, [&] { return crew->inside == 0; });
  if (crew->error) std::rethrow_exception(crew->error);
}

}  // namespace onnx_cam
