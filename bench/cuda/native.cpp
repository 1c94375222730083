// On a GPU: the bandwidth of every kernel beside that of a copy on the device, and ONNX Runtime's plain forward passes with
// the pictures on the device already. Built by scripts/build-cuda.sh:
//   build-cuda/cuda_bench [MODEL BATCH [provider key=value …]]     MODEL takes float32 [N, 3, 224, 224]; ONNX Runtime's
//                                                                  library is named by ONNX_CAM_ORT_LIBRARY
#include <cuda_runtime.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "device/device.hpp"
#include "engine/session.hpp"
#include "kernels/cuda/cuda_kernels.hpp"
#include "kernels/mask/mask_batch.hpp"
#include "runtime/error.hpp"
#include "runtime/value.hpp"
#include "scoring/cuda_scoring.hpp"

using namespace onnx_cam;
using namespace onnx_cam::kernels;
using cuda::Element;

namespace {

constexpr int kRounds = 50;

void check(int error) { checkCuda(error, "a benchmark failed"); }

void* allocate(std::size_t bytes) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes));
  check(cudaMemset(memory, 0, bytes));
  return memory;
}

template <class T>
T* copied(const std::vector<T>& values) {
  void* memory = allocate(values.size() * sizeof(T));
  check(cudaMemcpy(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  return static_cast<T*>(memory);
}

/// Median milliseconds of queued work.
double median(const std::function<void()>& work) {
  cudaEvent_t start, end;
  check(cudaEventCreate(&start));
  check(cudaEventCreate(&end));
  std::vector<float> times;
  for (int round = -5; round < kRounds; round++) {
    check(cudaEventRecord(start, nullptr));
    work();
    check(cudaEventRecord(end, nullptr));
    check(cudaEventSynchronize(end));
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start, end));
    if (round >= 0) times.push_back(milliseconds);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

double copyBandwidth = 0;

/// `bytes` are those that must be read and written at least.
void report(const char* name, std::size_t bytes, const std::function<void()>& work) {
  const double milliseconds = median(work), bandwidth = static_cast<double>(bytes) / milliseconds / 1e6;
  if (copyBandwidth == 0) copyBandwidth = bandwidth;
  std::printf("%-44s %9.4f ms %8.1f GB/s %5.1f %% of a copy\n", name, milliseconds, bandwidth,
              100 * bandwidth / copyBandwidth);
}

void benchKernels() {
  constexpr std::size_t kCopy = std::size_t{1} << 29;
  void *from = allocate(kCopy), *to = allocate(kCopy);
  report("copy on the device, 512 MiB", 2 * kCopy,
         [&] { check(cudaMemcpyAsync(to, from, kCopy, cudaMemcpyDeviceToDevice, nullptr)); });

  for (const Element element : {Element::float32, Element::float16}) {
    const std::size_t width = cuda::bytesOf(element);
    const bool half = element == Element::float16;
    std::printf("%s\n", half ? "float16" : "float32");
    for (const Shape shape : {Shape{1, 2048, 49}, Shape{64, 2048, 49}, Shape{64, 256, 3136}}) {
      std::printf("  [%zu, %zu, %zu]\n", shape.images, shape.channels, shape.positions);
      void *a = allocate(shape.size() * width), *g = allocate(shape.size() * width);
      auto* out =
          static_cast<float*>(allocate(std::max(shape.images * shape.channels, shape.images * shape.positions) * 4));
      const cuda::DeviceFeatures features{a, element, shape.perImage()};
      const cuda::DeviceGradients gradients{g, element, shape.perImage(), false},
          weights{out, Element::float32, shape.channels, true};
      const std::size_t bytes = shape.size() * width;
      auto* maps = static_cast<float*>(allocate(shape.images * shape.positions * 4));
      report("  channel means", bytes, [&] { check(cuda::channelMeans(a, element, shape, out, nullptr)); });
      report("  weighted sum", bytes,
             [&] { check(cuda::channelSum(Term::product, features, weights, shape, maps, nullptr)); });
      report("  gradient product", 2 * bytes,
             [&] { check(cuda::channelSum(Term::product, features, gradients, shape, maps, nullptr)); });
      report("  Grad-CAM++ weights", 2 * bytes, [&] {
        check(cuda::gradCamPlusPlusWeights(PlusPlusMode::paper, features, gradients, shape, out, nullptr));
      });
      for (void* memory : {a, g, static_cast<void*>(out), static_cast<void*>(maps)}) check(cudaFree(memory));
    }
  }
  std::printf("float32\n");
  auto* rows = static_cast<float*>(allocate(2048 * 49 * 4));
  auto* gram = static_cast<double*>(allocate(49 * 49 * 8));
  report("  Gram matrix of [2048, 49]", 2048 * 49 * 4,
         [&] { check(cuda::gramMatrix(rows, 2048, 49, true, gram, nullptr)); });
  constexpr std::size_t kMaps = 256, kPixels = 224 * 224;
  auto* small = static_cast<float*>(allocate(kMaps * 49 * 4));
  auto* large = static_cast<float*>(allocate(3 * kMaps * kPixels * 4));
  report("  resize 256 maps 7x7 to 224x224", kMaps * kPixels * 4,
         [&] { check(cuda::resizeMaps(small, kMaps, {7, 7}, {224, 224}, Interpolation::bilinear, large, nullptr)); });
  report("  min-max of 256 maps 224x224", 2 * kMaps * kPixels * 4,
         [&] { check(cuda::normalizeMaps(large, kMaps, kPixels, 0, false, large + kMaps * kPixels, nullptr)); });
  const MaskPlan plan(7, 7, 224, 224, MaskGrid::halfPixel);
  std::vector<std::uint32_t> select(kMaps);
  for (std::size_t i = 0; i < kMaps; i++) select[i] = static_cast<std::uint32_t>(i);
  MaskView view;
  view.maps = small;
  view.height = view.width = 7;
  view.rows = {copied(plan.rows.low), copied(plan.rows.high), copied(plan.rows.weight)};
  view.columns = {copied(plan.columns.low), copied(plan.columns.high), copied(plan.columns.weight)};
  view.select = copied(select);
  view.scales = copied(std::vector<float>{1});
  MaskedImage image{static_cast<float*>(allocate(3 * kPixels * 4)), nullptr, 3, 224, 224, false};
  auto* stretchings = static_cast<MaskStretching*>(allocate(kMaps * sizeof(MaskStretching)));
  for (const Element element : {Element::float32, Element::float16}) {
    report(element == Element::float16 ? "  mask pass, 256 images, to float16" : "  mask pass, 256 images, to float32",
           3 * kMaps * kPixels * cuda::bytesOf(element),
           [&] { check(cuda::paintMasks(view, image, kMaps, stretchings, element, large, nullptr)); });
  }
  auto* scores = static_cast<double*>(allocate(kMaps * 8));
  const std::vector<ScoreTerm> terms{{ScoreView::probability, 7, 1}};
  const cuda::TargetTerms targets{copied(terms), copied(std::vector<std::uint32_t>{0, 1}), 1, false};
  report("  softmax and score of 256 x 1000 logits", kMaps * 1000 * 4,
         [&] { check(cuda::readScores(large, Element::float32, kMaps, 1000, targets, scores, nullptr)); });
  report("  float32 to float16, 38 M values", 3 * kMaps * kPixels * 6,
         [&] { check(cuda::floatToHalf(large, 3 * kMaps * kPixels, to, nullptr)); });
}

void benchForward(const char* path, std::size_t batch, const KeyValues& options) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const char* library = std::getenv("ONNX_CAM_ORT_LIBRARY");
  if (library == nullptr) throw CodedError("ERR_USAGE", "name ONNX Runtime's library by ONNX_CAM_ORT_LIBRARY");
  SessionConfig config;
  config.providers = {{"cuda", options}};
  const auto session = Session::create(Library::open(library), std::as_bytes(std::span(bytes)), config, nullptr);
  Device& device = *session->device();
  Device::Turn turn(device);
  const DeviceArray<float> pictures(device, batch * 3 * 224 * 224);
  const std::vector<int64_t> dims{static_cast<int64_t>(batch), 3, 224, 224};
  const auto input = makeTensor(session->library(), pictures.data(), batch * 3 * 224 * 224 * 4, dims,
                                ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, device.memory());
  const OrtApi* api = session->library().api;
  const auto binding = session->makeBinding();
  const auto must = [&](OrtStatus* status) { session->library().check(status, "ERR_RUNTIME", ""); };
  must(api->BindInput(binding.get(), session->inputs()[0].name.c_str(), input.get()));
  must(api->BindOutputToDevice(binding.get(), session->outputs()[0].name.c_str(), device.memory()));
  const auto mark = device.makeMark();
  std::vector<double> times;
  for (int round = -3; round < 10; round++) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t done = 0; done < 2048; done += batch) session->runBound(binding.get(), nullptr);
    mark->set();
    mark->wait();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    if (round >= 0) times.push_back(time.count());
  }
  std::sort(times.begin(), times.end());
  std::printf("forward passes of 2048 pictures in batches of %zu: %.1f ms\n", batch, times[times.size() / 2]);
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count < 3) {
      benchKernels();
      return 0;
    }
    KeyValues options;
    for (int i = 3; i < count; i++) {
      const std::string pair = arguments[i];
      options.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
    }
    benchForward(arguments[1], std::stoul(arguments[2]), options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
