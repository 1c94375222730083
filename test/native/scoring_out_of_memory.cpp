// Batches that run out of memory while other workers are between taking theirs and making room for it: buffers hold what
// was taken, nothing is lost, and it is an error only where single images do not fit.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "check.hpp"
#include "runtime/error.hpp"
#include "runtime/value.hpp"
#include "scoring/score_variants.hpp"

namespace {

/// Bytes that one allocation may have.
std::atomic<std::size_t> mostBytes{std::numeric_limits<std::size_t>::max()};

}  // namespace

// Not inlined: g++ would see memory of malloc given to delete, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* memory = size <= mostBytes ? std::malloc(size) : nullptr;
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace onnx_cam;

namespace {

constexpr std::size_t kItems = 16;

const Library* real = nullptr;
/// Batches of more than this fail; the first of a round waits for another worker before it does.
std::atomic<std::size_t> mostItems{1};
std::atomic<int> writers{0};

void spin(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

/// In the place of ONNX Runtime's: each item's logits are its first and its last value.
OrtStatus* ORT_API_CALL fakeRun(OrtSession*, const OrtRunOptions*, const char* const*, const OrtValue* const* inputs,
                                std::size_t, const char* const*, std::size_t, OrtValue** outputs) noexcept {
  const TensorView view = viewTensor(*real, const_cast<OrtValue*>(inputs[0]));
  const auto count = static_cast<std::size_t>(view.dims[0]);
  if (count > mostItems) {
    for (int i = 0; i < 1000 && writers < 2; i++) spin(std::chrono::microseconds(1));
    return real->api->CreateStatus(ORT_FAIL, "Failed to allocate memory for requested buffer of size 1");
  }
  OrtAllocator* allocator = nullptr;
  if (OrtStatus* status = real->api->GetAllocatorWithDefaultOptions(&allocator)) return status;
  const std::array<int64_t, 2> dims{view.dims[0], 2};
  if (OrtStatus* status =
          real->api->CreateTensorAsOrtValue(allocator, dims.data(), 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, outputs)) {
    return status;
  }
  const TensorView logits = viewTensor(*real, outputs[0]);
  const std::size_t size = view.bytes / sizeof(float) / count;
  for (std::size_t i = 0; i < count; i++) {
    const float* item = static_cast<const float*>(view.data) + i * size;
    static_cast<float*>(logits.data)[2 * i] = item[0];
    static_cast<float*>(logits.data)[2 * i + 1] = item[size - 1];
  }
  return nullptr;
}

/// Item i holds i everywhere. The second writer of a round is held up a little, by another time in each round.
class Numbered : public Variants {
 public:
  Numbered(std::size_t size, std::chrono::nanoseconds delay) : size_(size), delay_(delay) {}
  std::size_t count() const override { return kItems; }
  std::size_t size() const override { return size_; }
  std::unique_ptr<VariantWriter> writer() const override {
    if (++writers == 2) spin(delay_);
    return std::make_unique<Writer>(size_);
  }

 private:
  struct Writer : VariantWriter {
    explicit Writer(std::size_t size) : size(size) {}
    void write(std::size_t item, float* slot) override { std::fill_n(slot, size, static_cast<float>(item)); }
    std::size_t size;
  };
  std::size_t size_;
  std::chrono::nanoseconds delay_;
};

/// Items per run at the end; every item must have got its own score.
std::size_t chunkAtEnd(ScoringModel model, const Variants& variants) {
  model.itemDims = {static_cast<int64_t>(variants.size())};
  TargetScores targets;
  targets.targets = {{{ScoreView::logit, 0, 0.5}, {ScoreView::logit, 1, 0.5}}};
  Cancellation cancellation;
  std::vector<double> scores(kItems, -1);
  writers = 0;
  const auto outcome = scoreVariants(variants, 0, kItems, model, targets, {4, 2}, cancellation, nullptr, scores.data());
  bool right = true;
  for (std::size_t i = 0; i < kItems; i++) right = right && scores[i] == static_cast<double>(i);
  CHECK(right);
  return outcome.chunk;
}

void batchesAreHalvedUnderOtherWorkers(const ScoringModel& model) {
  mostItems = 1;
  for (int round = 0; round < 3000 && test::failures == 0; round++) {
    CHECK(chunkAtEnd(model, Numbered(12, std::chrono::nanoseconds(round % 200 * 100))) == 1);
  }
}

void singleImagesThatDoNotFitAreAnError(const ScoringModel& model) {
  mostItems = 0;
  CHECK_THROWS(chunkAtEnd(model, Numbered(12, {})), CodedError, isOutOfMemory);
}

// Room for a batch is asked of our own memory, too.
void buffersThatDoNotFitAreHalved(const ScoringModel& model) {
  mostItems = kItems;
  constexpr std::size_t kFloats = 1 << 16;
  mostBytes = 2 * kFloats * sizeof(float);
  CHECK(chunkAtEnd(model, Numbered(kFloats, {})) == 2);
  mostBytes = kFloats * sizeof(float) - 1;
  CHECK_THROWS(chunkAtEnd(model, Numbered(kFloats, {})), std::bad_alloc, isOutOfMemory);
  mostBytes = std::numeric_limits<std::size_t>::max();
}

}  // namespace

int main() {
  const char* path = std::getenv("ONNXRUNTIME_LIBRARY");
  CHECK(path != nullptr && *path != '\0');
  std::ifstream file("assets/efficientnet-lite0.onnx", std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  CHECK(!bytes.empty());
  if (test::failures > 0) return test::result();
  real = &Library::open(path);
  OrtApi api = *real->api;
  api.Run = fakeRun;
  Library library = *real;
  library.api = &api;
  {
    ScoringModel model;
    model.session = Session::create(library, std::as_bytes(std::span(bytes)), {}, nullptr);
    model.input = "x";
    model.output = "y";
    batchesAreHalvedUnderOtherWorkers(model);
    singleImagesThatDoNotFitAreAnError(model);
    buffersThatDoNotFitAreHalved(model);
  }
  return test::result();
}
