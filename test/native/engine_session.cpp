// The session class as native loops use it: raw values, several threads, no Node.
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "check.hpp"
#include "engine/cancellation.hpp"
#include "engine/session.hpp"
#include "runtime/error.hpp"
#include "runtime/value.hpp"

using namespace onnx_cam;

namespace {

constexpr int64_t kSide = 224;
constexpr std::size_t kPixels = 3 * kSide * kSide;

auto hasCode(const char* code) {
  return [code](const CodedError& error) { return std::strcmp(error.code(), code) == 0; };
}

std::vector<char> readFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::span<const std::byte> bytesOf(const std::vector<char>& file) { return std::as_bytes(std::span(file)); }

/// The logits of one grey image.
std::vector<float> runOnce(const Session& session, float grey, Cancellation* cancellation = nullptr) {
  std::vector<float> pixels(kPixels, grey);
  const std::vector<int64_t> dims{1, 3, kSide, kSide};
  const auto input = makeTensor(session.library(), pixels.data(), pixels.size() * sizeof(float), dims,
                                ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
  const char* inputName = session.inputs()[0].name.c_str();
  const char* outputName = session.outputs()[0].name.c_str();
  const OrtValue* inputs[] = {input.get()};
  OrtValue* outputs[] = {nullptr};
  session.run({&inputName, 1}, inputs, {&outputName, 1}, outputs, cancellation);
  const OrtPtr<OrtValue> output(outputs[0], session.library().api->ReleaseValue);
  const TensorView view = viewTensor(session.library(), output.get());
  const auto* logits = static_cast<const float*>(view.data);
  return {logits, logits + view.bytes / sizeof(float)};
}

void runsFromSeveralThreadsAgree(const Session& session) {
  const std::vector<float> expected = runOnce(session, 0.5f);
  CHECK(expected.size() == 1000);
  for (float logit : expected) CHECK(std::isfinite(logit));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) CHECK(runOnce(session, 0.5f) == expected);
    });
  }
  for (auto& thread : threads) thread.join();
}

void outputsCanBeWrittenToMemoryOfTheCaller(const Session& session) {
  const std::vector<float> expected = runOnce(session, 0.25f);
  std::vector<float> pixels(kPixels, 0.25f);
  std::vector<float> logits(1000);
  const Library& library = session.library();
  const std::vector<int64_t> inputDims{1, 3, kSide, kSide};
  const std::vector<int64_t> outputDims{1, 1000};
  const auto input =
      makeTensor(library, pixels.data(), pixels.size() * sizeof(float), inputDims, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
  const auto output = makeTensor(library, logits.data(), logits.size() * sizeof(float), outputDims,
                                 ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
  const char* inputName = session.inputs()[0].name.c_str();
  const char* outputName = session.outputs()[0].name.c_str();
  const OrtValue* inputs[] = {input.get()};
  OrtValue* outputs[] = {output.get()};
  session.run({&inputName, 1}, inputs, {&outputName, 1}, outputs, nullptr);
  CHECK(logits == expected);
}

void aRaisedCancellationEndsTheRun(const Session& session) {
  Cancellation before;
  before.cancel();
  CHECK_THROWS(runOnce(session, 0.5f, &before), CodedError, [](const CodedError&) { return true; });
  Cancellation during;
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    during.cancel();
  });
  try {
    runOnce(session, 0.5f, &during);
  } catch (const CodedError&) {
    CHECK(during.cancelled());
  }
  canceller.join();
  CHECK(runOnce(session, 0.5f).size() == 1000);
}

void tensorsThatDoNotFitAreRefused(const Library& library) {
  float data[6] = {};
  const auto make = [&](std::vector<int64_t> dims, std::size_t bytes, ElementType type) {
    return makeTensor(library, data, bytes, dims, type);
  };
  CHECK(make({2, 3}, 24, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) != nullptr);
  CHECK(make({0, 3}, 0, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) != nullptr);
  const auto refused = hasCode("ERR_INPUT_SHAPE");
  CHECK_THROWS(make({2, 4}, 24, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT), CodedError, refused);
  CHECK_THROWS(make({2, 3}, 23, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT), CodedError, refused);
  CHECK_THROWS(make({-1, 3}, 24, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT), CodedError, refused);
  CHECK_THROWS(make({int64_t{1} << 62, 1 << 10}, 24, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT), CodedError, refused);
  CHECK_THROWS(make({1}, 8, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING), CodedError, refused);
}

void damagedModelsAreRefused(const Library& library, const std::vector<char>& model) {
  const SessionConfig config;
  const auto load = [&](const std::vector<char>& bytes) {
    return Session::create(library, bytesOf(bytes), config, nullptr);
  };
  for (std::size_t size : {std::size_t{1}, std::size_t{100}, model.size() / 2, model.size() - 1}) {
    CHECK_THROWS(load({model.begin(), model.begin() + static_cast<std::ptrdiff_t>(size)}), CodedError,
                 hasCode("ERR_MODEL_INVALID"));
  }
  SessionConfig unknown;
  unknown.providers = {{"no-such-provider", {}}};
  CHECK_THROWS(Session::create(library, bytesOf(model), unknown, nullptr), CodedError,
               hasCode("ERR_PROVIDER_UNAVAILABLE"));
}

}  // namespace

int main() {
  const char* path = std::getenv("ONNXRUNTIME_LIBRARY");
  CHECK(path != nullptr && *path != '\0');
  const std::vector<char> model = readFile("assets/efficientnet-lite0.onnx");
  CHECK(!model.empty());
  if (test::failures > 0) return test::result();

  const Library& library = Library::open(path);
  CHECK(&Library::open(path) == &library);
  CHECK(library.providers().size() > 0);
  CHECK_THROWS(Library::open("/nowhere/libonnxruntime.so"), CodedError, hasCode("ERR_RUNTIME_NOT_FOUND"));
  {
    SessionConfig config;
    config.intraOpThreads = 1;
    const auto session = Session::create(library, bytesOf(model), config, nullptr);
    CHECK(session->inputs().size() == 1 && session->outputs().size() == 1);
    runsFromSeveralThreadsAgree(*session);
    outputsCanBeWrittenToMemoryOfTheCaller(*session);
    aRaisedCancellationEndsTheRun(*session);
  }
  tensorsThatDoNotFitAreRefused(library);
  damagedModelsAreRefused(library, model);
  return test::result();
}
