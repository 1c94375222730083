// A stand-in for CUDA's header of the same name, so that g++ compiles the .cu files as they are and their logic runs on
// the CPU, under sanitizers: each thread of a block is a fibre, barriers and shuffles switch between them, device memory
// is the heap, streams do everything at once.
//
// It shows that kernels compute the right numbers, stay inside their buffers and meet at every barrier. It shows nothing
// about hardware: no races between threads (fibres switch at barriers only), no memory ordering, no alignment rules, no
// asynchrony, no speed.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>

/// Tells tests that they run on the emulation.
#define ONNX_CAM_CUDA_EMULATION

#define __global__
#define __device__
#define __host__
#define __shared__ static thread_local

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
};
enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
};
constexpr unsigned cudaStreamNonBlocking = 1;
constexpr unsigned cudaEventDisableTiming = 2;

using cudaStream_t = struct CUstream_st*;
using cudaEvent_t = struct CUevent_st*;

struct cudaLaunchConfig_t {
  dim3 gridDim;
  dim3 blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
};

namespace cuda_emulation {

void runGrid(dim3 grid, dim3 block, const std::function<void()>& thread);
void syncBlock();
/// Hands `bytes` of `value` to the lane `partner` of the warp and takes that lane's into `result`.
void exchange(const void* value, std::size_t bytes, unsigned partner, void* result);

/// What tests set: how many devices there are, and how many allocations still succeed (negative: all).
struct Settings {
  int devices = 1;
  int allocationsLeft = -1;
};
Settings& settings();
/// Allocations of device and pinned memory, streams and events that were not given back.
long livingObjects();

}  // namespace cuda_emulation

/// Set whenever a fibre goes on.
extern thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

inline void __syncthreads() { cuda_emulation::syncBlock(); }

template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  T result;
  cuda_emulation::exchange(&value, sizeof value, static_cast<unsigned>(mask), &result);
  return result;
}

inline float __int_as_float(int bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  cuda_emulation::runGrid(config->gridDim, config->blockDim, [&] { kernel(arguments...); });
  return cudaSuccess;
}

struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem;
  int major;
  int minor;
};

cudaError_t cudaRuntimeGetVersion(int* version);
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaMalloc(void** memory, std::size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMallocHost(void** memory, std::size_t bytes);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
