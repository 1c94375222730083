// How the kernels of the GPU are launched, and how the threads of a warp or block add up.
//
// Reductions follow a fixed tree (butterflies within a warp, then warps in order), without atomics: equal inputs give
// equal bits in every run. Host code in .cu files uses nothing of the C++ library that needs linking: nvcc's host
// compiler and the one that builds the rest may bring different ones.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/cuda_kernels.hpp"

namespace onnx_cam::kernels::cuda {

constexpr int kWarp = 32;
constexpr int kBlock = 256;
constexpr int kWarpsPerBlock = kBlock / kWarp;
constexpr unsigned kAllLanes = 0xffffffffu;

__device__ inline float toFloat(float value) { return value; }
__device__ inline float toFloat(__half value) { return __half2float(value); }
__device__ inline void store(float value, float* to) { *to = value; }
__device__ inline void store(float value, __half* to) { *to = __float2half(value); }

/// Queues `kernel` on a stream; 0 or a cudaError_t.
template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), std::size_t blocks, unsigned threads, Stream stream, Arguments... arguments) {
  if (blocks == 0) return cudaSuccess;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(threads);
  config.stream = static_cast<cudaStream_t>(stream);
  return cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
}

/// Blocks of kBlock threads for a loop of `count` steps over the whole grid. More than a few thousand blocks fill every
/// GPU; the loop takes what is left.
inline std::size_t gridFor(std::size_t count) {
  constexpr std::size_t kMostBlocks = 8192;
  const std::size_t blocks = (count + kBlock - 1) / kBlock;
  return blocks < kMostBlocks ? blocks : kMostBlocks;
}

__device__ inline std::size_t gridIndex() { return static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline std::size_t gridSize() { return static_cast<std::size_t>(gridDim.x) * blockDim.x; }

/// The sum over a warp, in every lane.
template <class T>
__device__ T warpSum(T value) {
  for (int step = kWarp / 2; step > 0; step /= 2) value += __shfl_xor_sync(kAllLanes, value, step);
  return value;
}

/// A sum in float over at most kFloatTerms terms at a time, then in double, as the CPU's kernels have it.
class Sum {
 public:
  __device__ void add(float value) {
    part_ += value;
    if (++count_ == kFloatTerms) flush();
  }
  __device__ double value() const { return total_ + part_; }

 private:
  static constexpr int kFloatTerms = 32;
  __device__ void flush() {
    total_ += part_;
    part_ = 0;
    count_ = 0;
  }
  double total_ = 0;
  float part_ = 0;
  int count_ = 0;
};

/// Σ term(i) over i < count by one warp, in every lane. `term` gives a float.
template <class Term>
__device__ double warpSumOver(std::size_t count, Term term) {
  Sum sum;
  for (std::size_t i = threadIdx.x % kWarp; i < count; i += kWarp) sum.add(term(i));
  return warpSum(sum.value());
}

struct Extremes {
  float low;
  float high;
  /// 1 where a NaN was met.
  int nan;

  __device__ void add(float value) {
    low = value < low ? value : low;
    high = value > high ? value : high;
    nan |= value != value;
  }
  __device__ void add(Extremes other) {
    low = other.low < low ? other.low : low;
    high = other.high > high ? other.high : high;
    nan |= other.nan;
  }
};

__device__ inline Extremes noExtremes() {
  const float infinity = __int_as_float(0x7f800000);
  return {infinity, -infinity, 0};
}

/// The extremes over a block of kBlock threads, in every thread. Every thread of the block must call it.
__device__ inline Extremes blockExtremes(Extremes own) {
  __shared__ Extremes warps[kWarpsPerBlock];
  for (int step = kWarp / 2; step > 0; step /= 2) {
    const Extremes other = {__shfl_xor_sync(kAllLanes, own.low, step), __shfl_xor_sync(kAllLanes, own.high, step),
                            __shfl_xor_sync(kAllLanes, own.nan, step)};
    own.add(other);
  }
  if (threadIdx.x % kWarp == 0) warps[threadIdx.x / kWarp] = own;
  __syncthreads();
  Extremes all = noExtremes();
  for (int warp = 0; warp < kWarpsPerBlock; warp++) all.add(warps[warp]);
  __syncthreads();  // The memory may be used again.
  return all;
}

/// Calls `function` with a value of the element type.
template <class Function>
int withElement(Element element, Function function) {
  return element == Element::float16 ? function(__half()) : function(0.0f);
}

}  // namespace onnx_cam::kernels::cuda
