// Work handed out in chunks from a shared counter to parallel workers.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "engine/run_queue.hpp"

namespace onnx_cam {

struct Range {
  std::size_t begin;
  std::size_t end;

  std::size_t size() const { return end - begin; }
};

/// Cuts [0, total) into chunks of `size`; what is left for the last round is shared out evenly among the workers, so
/// that they end together (3 chunks of 16 on 2 workers take 30 % longer than 6 of 8).
class Chunks {
 public:
  Chunks(std::size_t total, std::size_t size, std::size_t workers);

  /// The next chunk, once for every caller; nothing when all are taken.
  std::optional<Range> next();

  /// Takes back a chunk that was too large for the memory: it and everything after it comes in halves of it. False, and
  /// nothing is taken back, when there is nothing to halve.
  bool halve(Range chunk);

  /// The largest size that chunks still have.
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::size_t total_;
  std::size_t size_;
  std::size_t workers_;
  std::size_t begin_ = 0;
  /// Where the last round begins, in how many parts it comes, and how many of them are gone.
  std::size_t lastRound_ = 0;
  std::size_t parts_ = 0;
  std::size_t part_ = 0;
  std::deque<Range> returned_;
};

/// Calls body(worker) for workers 0 … workers − 1: the first on this thread, the others on threads of `queue` if those
/// come free before the first returns and the queue takes them. So the body must take its work from a shared counter, and a single worker must
/// be able to do it all. Returns when every started body has; throws what the first failing one threw, and `failed` is
/// true from then on, so that the others can end early.
void runParallel(RunQueue& queue, std::size_t workers, std::atomic<bool>& failed,
                 const std::function<void(std::size_t worker)>& body);

}  // namespace onnx_cam
