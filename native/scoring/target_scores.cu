#include "kernels/cuda/grid.cuh"
#include "scoring/cuda_scoring.hpp"

namespace onnx_cam::kernels::cuda {
namespace {

/// log Σ exp z over a row, in every thread of the block.
template <class T>
__device__ double logSumExp(const T* logits, std::size_t classes) {
  __shared__ double warps[kWarpsPerBlock];
  Extremes own = noExtremes();
  for (std::size_t i = threadIdx.x; i < classes; i += kBlock) own.add(toFloat(logits[i]));
  const double max = blockExtremes(own).high;
  double sum = 0;
  for (std::size_t i = threadIdx.x; i < classes; i += kBlock)
    sum += ::exp(static_cast<double>(toFloat(logits[i])) - max);
  sum = warpSum(sum);
  if (threadIdx.x % kWarp == 0) warps[threadIdx.x / kWarp] = sum;
  __syncthreads();
  double total = 0;
  for (int warp = 0; warp < kWarpsPerBlock; warp++) total += warps[warp];
  // The extremes pass over a NaN, the sum does not.
  return max + ::log(total);
}

/// A block for each row.
template <class T>
__global__ void readRows(const T* logits, std::size_t classes, TargetTerms targets, double* scores) {
  const T* row = logits + blockIdx.x * classes;
  const double total = targets.sigmoid ? 0 : logSumExp(row, classes);
  for (std::size_t t = threadIdx.x; t < targets.targets; t += kBlock) {
    double score = 0;
    for (std::uint32_t i = targets.starts[t]; i < targets.starts[t + 1]; i++) {
      const ScoreTerm term = targets.terms[i];
      const double z = term.logit(toFloat(row[term.index]));
      const double logProbability = targets.sigmoid ? logSigmoid(z) : z - total;
      score += term.weight * viewOf(term.view, z, logProbability);
    }
    scores[blockIdx.x * targets.targets + t] = score;
  }
}

}  // namespace

int readScores(const void* logits, Element element, std::size_t count, std::size_t classes, const TargetTerms& targets,
               double* scores, Stream stream) {
  return withElement(element, [&](auto zero) {
    using T = decltype(zero);
    return launch(readRows<T>, count, kBlock, stream, static_cast<const T*>(logits), classes, targets, scores);
  });
}

}  // namespace onnx_cam::kernels::cuda
