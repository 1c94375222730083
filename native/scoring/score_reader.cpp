#include "scoring/score_reader.hpp"

#include <vector>

#ifdef ONNX_CAM_CUDA
#include "scoring/cuda_scoring.hpp"
#endif

namespace onnx_cam {

ScoreReader::ScoreReader(Device& device, const TargetScores& targets, [[maybe_unused]] std::size_t capacity)
    : device_(device), targets_(targets) {
#ifdef ONNX_CAM_CUDA
  if (!device.runsCuda()) return;
  std::vector<ScoreTerm> terms;
  std::vector<uint32_t> starts{0};
  for (const auto& target : targets.targets) {
    terms.insert(terms.end(), target.begin(), target.end());
    starts.push_back(static_cast<uint32_t>(terms.size()));
  }
  terms_ = copyToDevice(device, terms.data(), terms.size());
  starts_ = copyToDevice(device, starts.data(), starts.size());
  scores_ = DeviceArray<double>(device, capacity * columns());
#endif
}

void ScoreReader::read(const float* logits, std::size_t count, std::size_t classes, double* staging) {
  targets_.check(classes);
#ifdef ONNX_CAM_CUDA
  if (device_.runsCuda()) {
    namespace cuda = kernels::cuda;
    const cuda::TargetTerms terms{terms_.data(), starts_.data(), columns(), targets_.sigmoid};
    checkCuda(cuda::readScores(logits, cuda::Element::float32, count, classes, terms, scores_.data(), device_.stream()),
              "scores could not be read");
    device_.download(scores_.data(), count * columns() * sizeof(double), staging);
    return;
  }
#endif
  for (std::size_t i = 0; i < count; i++) targets_.read(logits + i * classes, classes, staging + i * columns());
}

}  // namespace onnx_cam
