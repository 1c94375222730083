#include "scoring/score_variants.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/run_queue.hpp"
#include "runtime/error.hpp"
#include "runtime/value.hpp"
#include "scoring/device_loop.hpp"
#include "scoring/model_inputs.hpp"
#include "scoring/parallel_runs.hpp"

namespace onnx_cam {

namespace {

/// One worker's buffers, for batches of up to `capacity` items.
class BatchRunner {
 public:
  BatchRunner(const ScoringModel& model, std::size_t itemSize, std::size_t capacity)
      : model_(model), itemSize_(itemSize), capacity_(capacity), batch_(capacity * itemSize) {
    for (const FixedInput& input : model.fixed) {
      repeated_.push_back(input.repeated ? fixedBytes(input, capacity) : std::vector<char>());
    }
  }

  std::size_t capacity() const { return capacity_; }
  float* slot(std::size_t index) { return &batch_[index * itemSize_]; }

  /// Runs the first `used` slots (what fills the batch up holds anything) and hands each one's row of logits to
  /// `read(item, logits, classes)`.
  template <typename Read>
  void run(std::size_t used, Cancellation& cancellation, Read read) {
    const std::size_t count = model_.itemsFor(used);
    const Library& library = model_.session->library();
    std::vector<const char*> names{model_.input.c_str()};
    std::vector<OrtPtr<OrtValue>> values;
    values.push_back(makeTensor(library, batch_.data(), count * itemSize_ * sizeof(float), batchDims(model_, count),
                                ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT));
    for (std::size_t i = 0; i < model_.fixed.size(); i++) {
      const FixedInput& input = model_.fixed[i];
      names.push_back(input.name.c_str());
      values.push_back(makeTensor(library, input.repeated ? repeated_[i].data() : input.data,
                                  input.bytes * (input.repeated ? count : 1), fixedDims(input, count), input.type));
    }
    std::vector<const OrtValue*> inputs;
    for (const auto& value : values) inputs.push_back(value.get());
    const char* outputName = model_.output.c_str();
    OrtValue* raw = nullptr;
    model_.session->run(names, inputs, {&outputName, 1}, {&raw, 1}, &cancellation);
    const OrtPtr<OrtValue> output(raw, library.api->ReleaseValue);
    const TensorView view = viewTensor(library, raw);
    const std::size_t classes = classesOf(view, count);
    const auto* logits = static_cast<const float*>(view.data);
    for (std::size_t i = 0; i < used; i++) read(i, logits + i * classes, classes);
  }

 private:
  const ScoringModel& model_;
  std::size_t itemSize_;
  std::size_t capacity_;
  std::vector<float> batch_;
  std::vector<std::vector<char>> repeated_;
};

}  // namespace

ScoringOutcome scoreVariants(const Variants& variants, std::size_t begin, std::size_t end, const ScoringModel& model,
                             const TargetScores& targets, const ScoringSchedule& schedule, Cancellation& cancellation,
                             int32_t* progress, double* out) {
  const std::size_t total = end - begin;
  if (Device* device = model.session->device()) {
    Chunks chunks(total, schedule.chunk, 1);
    scoreOnDevice(*device, variants, begin, model, targets, chunks, cancellation, progress, out);
    return {chunks.size()};
  }
  const std::size_t workers = std::clamp<std::size_t>(schedule.parallel, 1, std::max<std::size_t>(total, 1));
  const std::size_t columns = targets.targets.size();
  Chunks chunks(total, schedule.chunk, workers);
  std::atomic<bool> failed{false};
  RunQueue& queue = RunQueue::runs();
  queue.raiseLimit(workers);
  runParallel(queue, workers, failed, [&](std::size_t) {
    std::optional<BatchRunner> runner;
    const std::unique_ptr<VariantWriter> writer = variants.writer();
    while (!failed && !cancellation.cancelled()) {
      const std::optional<Range> range = chunks.next();
      if (!range) return;
      try {
        // From the range itself: another worker may have halved the chunks since it was taken.
        const std::size_t capacity = model.itemsFor(range->size());
        if (!runner || runner->capacity() < capacity) {
          runner.reset();  // First, so that there are never two.
          runner.emplace(model, variants.size(), capacity);
        }
        for (std::size_t i = 0; i < range->size(); i++) {
          if (cancellation.cancelled()) return;
          writer->write(begin + range->begin + i, runner->slot(i));
        }
        runner->run(range->size(), cancellation, [&](std::size_t i, const float* logits, std::size_t classes) {
          targets.check(classes);
          targets.read(logits, classes, out + (range->begin + i) * columns);
        });
      } catch (const std::exception& error) {
        if (!isOutOfMemory(error) || !chunks.halve(*range)) throw;
        runner.reset();
        continue;
      }
      if (progress != nullptr) {
        std::atomic_ref<int32_t>(*progress).fetch_add(static_cast<int32_t>(range->size()), std::memory_order_relaxed);
      }
    }
  });
  return {chunks.size()};
}

}  // namespace onnx_cam
