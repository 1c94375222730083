// The perturbation loop on a CUDA device, with the code that drives a GPU and its kernels, on the emulation in
// cuda_emulation/ and with ONNX Runtime's CPU provider: same scores as on the CPU, nothing leaked, small memory survived.
#include <cuda_runtime.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numeric>
#include <vector>

#include "check.hpp"
#include "device/device.hpp"
#include "device/gpu_info.hpp"
#include "runtime/error.hpp"
#include "scoring/activation_variants.hpp"
#include "scoring/device_loop.hpp"
#include "scoring/mask_variants.hpp"
#include "scoring/score_variants.hpp"

using namespace onnx_cam;

namespace {

constexpr std::size_t kSide = 224;
constexpr std::size_t kPixels = 3 * kSide * kSide;

/// The device as it is, but ONNX Runtime, which has no GPU either, takes its memory for the CPU's.
class EmulatedDevice : public Device {
 public:
  explicit EmulatedDevice(const Library& library) : device_(makeCudaDevice(library, 0, nullptr)), library_(library) {}

  void enter() override { device_->enter(); }
  bool runsCuda() const override { return device_->runsCuda(); }
  kernels::cuda::Stream stream() const override { return device_->stream(); }
  const OrtMemoryInfo* memory() const override { return library_.cpuMemory; }
  void* allocate(std::size_t bytes) override { return device_->allocate(bytes); }
  void free(void* memory) noexcept override { device_->free(memory); }
  void* allocateStaging(std::size_t bytes) override { return device_->allocateStaging(bytes); }
  void freeStaging(void* memory) noexcept override { device_->freeStaging(memory); }
  void upload(const void* from, std::size_t bytes, void* to) override { device_->upload(from, bytes, to); }
  void download(const void* from, std::size_t bytes, void* to) override { device_->download(from, bytes, to); }
  std::unique_ptr<DeviceMark> makeMark() override { return device_->makeMark(); }

 private:
  std::shared_ptr<Device> device_;
  const Library& library_;
};

auto hasCode(const char* code) {
  return [code](const CodedError& error) { return std::strcmp(error.code(), code) == 0; };
}

struct Setting {
  const Library& library;
  ScoringModel model;
  TargetScores targets;
};

/// Scores on the device, in chunks of `size`.
std::vector<double> onDevice(const Setting& setting, const Variants& variants, std::size_t size,
                             std::size_t* sizeAtEnd = nullptr) {
  EmulatedDevice device(setting.library);
  Chunks chunks(variants.count(), size, 1);
  Cancellation cancellation;
  int32_t progress = 0;
  std::vector<double> scores(variants.count() * setting.targets.targets.size());
  scoreOnDevice(device, variants, 0, setting.model, setting.targets, chunks, cancellation, &progress, scores.data());
  CHECK(progress == static_cast<int32_t>(variants.count()));
  if (sizeAtEnd != nullptr) *sizeAtEnd = chunks.size();
  return scores;
}

std::vector<double> onCpu(const Setting& setting, const Variants& variants) {
  Cancellation cancellation;
  std::vector<double> scores(variants.count() * setting.targets.targets.size());
  scoreVariants(variants, 0, variants.count(), setting.model, setting.targets, {2, 1}, cancellation, nullptr,
                scores.data());
  return scores;
}

void checkClose(const std::vector<double>& actual, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); i++) CHECK(std::abs(actual[i] - expected[i]) <= 1e-4);
}

void testMasks(const Setting& setting) {
  std::vector<float> image(kPixels), maps(4 * 49);
  for (std::size_t i = 0; i < image.size(); i++) image[i] = std::sin(0.01f * static_cast<float>(i));
  for (std::size_t i = 0; i < maps.size(); i++) maps[i] = std::cos(0.7f * static_cast<float>(i));
  const kernels::MaskedImage masked{image.data(), nullptr, 3, kSide, kSide, false};
  MaskVariantsConfig config{.maps = maps.data(),
                            .select = {3, 0, 2},
                            .plan = {7, 7, kSide, kSide, kernels::MaskGrid::halfPixel},
                            .rule = {},
                            .image = masked,
                            .scales = {1},
                            .noise = {},
                            .noiseKeys = {},
                            .offsets = {}};
  const MaskVariants variants(config);
  const std::vector<double> expected = onCpu(setting, variants);
  checkClose(onDevice(setting, variants, 2), expected);
  checkClose(onDevice(setting, variants, 1), expected);

  config.noise = {NoiseTarget::mask, 0.1, 7};
  config.noiseKeys = {1, 2, 3};
  const MaskVariants noisy(config);
  checkClose(onDevice(setting, noisy, 2), onCpu(setting, noisy));

  // Whatever allocation fails: the batch is halved and nothing is lost; with single images it is an error.
  for (const int allocations : {0, 5, 11, 14, 16}) {
    cuda_emulation::settings().allocationsLeft = 2 + allocations;  // Two for the stream and the settings of the test.
    std::size_t size = 0;
    bool halved = false;
    try {
      EmulatedDevice device(setting.library);
      Chunks chunks(variants.count(), 2, 1);
      Cancellation cancellation;
      std::vector<double> scores(expected.size());
      scoreOnDevice(device, variants, 0, setting.model, setting.targets, chunks, cancellation, nullptr, scores.data());
      size = chunks.size();
      checkClose(scores, expected);
    } catch (const CodedError& error) {
      halved = isOutOfMemory(error);
      CHECK(halved);
    }
    CHECK(halved || size <= 2);
    cuda_emulation::settings().allocationsLeft = -1;
  }
}

void testFailures(const Setting& setting) {
  cuda_emulation::settings().devices = 0;
  CHECK(!hasCudaDevice());
  CHECK(findGpus().devices.empty() && findGpus().error == "no CUDA-capable device is detected");
  CHECK_THROWS(makeCudaDevice(setting.library, 0, nullptr), CodedError, hasCode("ERR_PROVIDER_UNAVAILABLE"));
  cuda_emulation::settings().devices = 1;
  CHECK(hasCudaDevice() && findGpus().devices.size() == 1 && findGpus().devices[0].computeCapability == "9.0");
  CHECK(findGpus().driverVersion == "13.2" && findGpus().runtimeVersion == "13.0");
  CHECK_THROWS(makeCudaDevice(setting.library, 1, nullptr), CodedError, hasCode("ERR_PROVIDER_UNAVAILABLE"));
  // Somebody else's stream is used, not freed.
  cudaStream_t stream = nullptr;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  CHECK(makeCudaDevice(setting.library, 0, stream)->stream() == stream);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
}

}  // namespace

int main() {
  const char* path = std::getenv("ONNXRUNTIME_LIBRARY");
  CHECK(path != nullptr && *path != '\0');
  std::ifstream file("assets/efficientnet-lite0.onnx", std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  CHECK(!bytes.empty());
  if (test::failures > 0) return test::result();
  {
    const Library& library = Library::open(path);
    SessionConfig config;
    config.intraOpThreads = 1;
    Setting setting{library, {}, {}};
    setting.model.session = Session::create(library, std::as_bytes(std::span(bytes)), config, nullptr);
    setting.model.input = setting.model.session->inputs()[0].name;
    setting.model.output = setting.model.session->outputs()[0].name;
    setting.model.itemDims = {3, kSide, kSide};
    setting.targets.targets = {{{ScoreView::logit, 281, 1}}, {{ScoreView::logProbability, 7, 1}}};
    testFailures(setting);
    testMasks(setting);
  }
  CHECK(cuda_emulation::livingObjects() == 0);
  return test::result();
}
