#include "scoring/device_loop.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <exception>
#include <optional>
#include <utility>

#include "runtime/error.hpp"
#include "runtime/value.hpp"
#include "scoring/model_inputs.hpp"
#include "scoring/score_reader.hpp"

namespace onnx_cam {

namespace {

/// Where finished scores go.
struct Results {
  double* out;
  std::size_t columns;
  int32_t* progress;
};

/// Buffers for batches of up to `capacity` items.
class Pipeline {
 public:
  Pipeline(Device& device, const ScoringModel& model, const Variants& variants, const TargetScores& targets,
           std::size_t capacity)
      : device_(device),
        model_(model),
        itemSize_(variants.size()),
        capacity_(capacity),
        writer_(variants.batchWriter(device, capacity)),
        reader_(device, targets, capacity),
        binding_(model.session->makeBinding()) {
    for (const FixedInput& input : model.fixed) {
      const std::vector<char> bytes = fixedBytes(input, capacity);
      fixed_.push_back(copyToDevice(device, bytes.data(), bytes.size()));
    }
    for (Batch& batch : batches_) {
      batch.input = DeviceArray<float>(device, capacity * itemSize_);
      batch.scores = DeviceArray<double>(device, capacity * reader_.columns(), /*staging=*/true);
      batch.mark = device.makeMark();
    }
  }

  // Nothing queued may still use the buffers. A failure was or will be reported by whoever waits for its result.
  ~Pipeline() {
    for (Batch& batch : batches_) {
      if (!batch.range) continue;
      try {
        batch.mark->wait();
      } catch (const CodedError&) {
      }
    }
  }

  std::size_t capacity() const { return capacity_; }

  /// Queues a chunk, after the result of the one before the last has been taken.
  void start(Range range, std::size_t begin, Cancellation& cancellation, const Results& results) {
    Batch& batch = batches_[next_];
    finish(batch, results);
    const std::size_t count = range.size();
    const Library& library = model_.session->library();
    Device::Turn turn(device_);
    writer_->write(begin + range.begin, count, batch.input.data());
    bind(batch, model_.itemsFor(count));
    model_.session->runBound(binding_.get(), &cancellation);
    batch.logits = boundOutput(library);
    const TensorView view = viewTensor(library, batch.logits.get());
    const auto* logits = static_cast<const float*>(view.data);
    reader_.read(logits, count, classesOf(view, model_.itemsFor(count)), batch.scores.data());
    batch.mark->set();
    batch.range = range;
    next_ = 1 - next_;
  }

  /// Takes what is still under way, the older one first.
  void drain(const Results& results) {
    finish(batches_[next_], results);
    finish(batches_[1 - next_], results);
  }

 private:
  struct Batch {
    DeviceArray<float> input;
    DeviceArray<double> scores;
    OrtPtr<OrtValue> logits{nullptr, nullptr};
    std::unique_ptr<DeviceMark> mark;
    /// What is under way.
    std::optional<Range> range;
  };

  void finish(Batch& batch, const Results& results) {
    if (!batch.range) return;
    const Range range = *std::exchange(batch.range, std::nullopt);
    batch.mark->wait();
    batch.logits.reset();
    std::memcpy(results.out + range.begin * results.columns, batch.scores.data(),
                range.size() * results.columns * sizeof(double));
    if (results.progress == nullptr) return;
    std::atomic_ref<int32_t>(*results.progress)
        .fetch_add(static_cast<int32_t>(range.size()), std::memory_order_relaxed);
  }

  void bind(const Batch& batch, std::size_t count) {
    const Library& library = model_.session->library();
    const auto bindInput = [&](const std::string& name, void* data, std::size_t bytes, std::vector<int64_t> dims,
                               ElementType type) {
      // The binding keeps the tensor alive.
      const auto tensor = makeTensor(library, data, bytes, dims, type, device_.memory());
      library.check(library.api->BindInput(binding_.get(), name.c_str(), tensor.get()), "ERR_RUNTIME",
                    "ONNX Runtime: ");
    };
    bindInput(model_.input, batch.input.data(), count * itemSize_ * sizeof(float), batchDims(model_, count),
              ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
    for (std::size_t i = 0; i < model_.fixed.size(); i++) {
      const FixedInput& input = model_.fixed[i];
      bindInput(input.name, fixed_[i].data(), input.bytes * (input.repeated ? count : 1), fixedDims(input, count),
                input.type);
    }
    library.check(library.api->BindOutputToDevice(binding_.get(), model_.output.c_str(), device_.memory()),
                  "ERR_RUNTIME", "ONNX Runtime: ");
  }

  OrtPtr<OrtValue> boundOutput(const Library& library) const {
    const OrtApi* api = library.api;
    OrtAllocator* allocator = nullptr;
    library.check(api->GetAllocatorWithDefaultOptions(&allocator), "ERR_RUNTIME", "ONNX Runtime: ");
    OrtValue** values = nullptr;
    std::size_t count = 0;
    library.check(api->GetBoundOutputValues(binding_.get(), allocator, &values, &count), "ERR_RUNTIME",
                  "ONNX Runtime: ");
    OrtPtr<OrtValue> output(values[0], api->ReleaseValue);
    library.check(api->AllocatorFree(allocator, values), "ERR_RUNTIME", "ONNX Runtime: ");
    return output;
  }

  Device& device_;
  const ScoringModel& model_;
  std::size_t itemSize_;
  std::size_t capacity_;
  std::unique_ptr<BatchWriter> writer_;
  ScoreReader reader_;
  std::vector<DeviceArray<char>> fixed_;
  std::array<Batch, 2> batches_;
  std::size_t next_ = 0;
  OrtPtr<OrtIoBinding> binding_;
};

}  // namespace

void scoreOnDevice(Device& device, const Variants& variants, std::size_t begin, const ScoringModel& model,
                   const TargetScores& targets, Chunks& chunks, Cancellation& cancellation, int32_t* progress,
                   double* out) {
  const Results results{out, targets.targets.size(), progress};
  device.enter();
  std::optional<Pipeline> pipeline;
  while (!cancellation.cancelled()) {
    const std::optional<Range> range = chunks.next();
    if (!range) break;
    try {
      if (!pipeline) {
        const std::size_t capacity = model.itemsFor(std::min(chunks.size(), variants.count()));
        pipeline.emplace(device, model, variants, targets, capacity);
      }
      pipeline->start(*range, begin, cancellation, results);
    } catch (const std::exception& error) {
      if (!isOutOfMemory(error) || !chunks.halve(*range)) throw;
      if (pipeline) pipeline->drain(results);
      pipeline.reset();
    }
  }
  if (pipeline && !cancellation.cancelled()) pipeline->drain(results);
}

}  // namespace onnx_cam
