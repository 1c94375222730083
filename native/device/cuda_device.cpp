#include <string>

#include "device/device.hpp"
#include "device/gpu_info.hpp"
#include "runtime/error.hpp"

#ifdef ONNX_CAM_CUDA

#include <cuda_runtime.h>

namespace onnx_cam {

void checkCuda(int error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // Else the next call would report it again.
  const bool memory = error == cudaErrorMemoryAllocation;
  throw CodedError(memory ? "ERR_OUT_OF_MEMORY" : "ERR_RUNTIME",
                   std::string("CUDA: ") + what + ": " + cudaGetErrorString(static_cast<cudaError_t>(error)));
}

namespace {

class CudaMark : public DeviceMark {
 public:
  explicit CudaMark(cudaStream_t stream) : stream_(stream) {
    checkCuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "no event could be made");
  }
  ~CudaMark() override { cudaEventDestroy(event_); }
  void set() override { checkCuda(cudaEventRecord(event_, stream_), "work could not be queued"); }
  void wait() override { checkCuda(cudaEventSynchronize(event_), "queued work failed"); }

 private:
  cudaStream_t stream_;
  cudaEvent_t event_ = nullptr;
};

class CudaDevice : public Device {
 public:
  CudaDevice(const Library& library, int number, void* stream)
      : number_(number), stream_(static_cast<cudaStream_t>(stream)), ownsStream_(stream == nullptr) {
    OrtMemoryInfo* memory = nullptr;
    library.check(library.api->CreateMemoryInfo("Cuda", OrtDeviceAllocator, number, OrtMemTypeDefault, &memory),
                  "ERR_RUNTIME", "ONNX Runtime: ");
    memory_ = {memory, library.api->ReleaseMemoryInfo};
    // The stream comes last: what throws in here is not followed by the destructor.
    try {
      checkCuda(cudaSetDevice(number), "the device cannot be used");
      // Non-blocking: nobody else's work on the default stream holds it up.
      if (ownsStream_) checkCuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "no stream could be made");
    } catch (const CodedError& error) {
      throw CodedError("ERR_PROVIDER_UNAVAILABLE", "CUDA device " + std::to_string(number) + ": " + error.what());
    }
  }
  ~CudaDevice() override {
    if (!ownsStream_) return;
    cudaSetDevice(number_);
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
  }

  void enter() override { checkCuda(cudaSetDevice(number_), "the device cannot be used"); }
  bool runsCuda() const override { return true; }
  kernels::cuda::Stream stream() const override { return stream_; }
  const OrtMemoryInfo* memory() const override { return memory_.get(); }

  void* allocate(std::size_t bytes) override {
    void* memory = nullptr;
    checkCuda(cudaMalloc(&memory, bytes), "no device memory");
    return memory;
  }
  // cudaFree waits for the whole device, so nothing queued can still use the memory.
  void free(void* memory) noexcept override { cudaFree(memory); }
  void* allocateStaging(std::size_t bytes) override {
    void* memory = nullptr;
    checkCuda(cudaMallocHost(&memory, bytes), "no pinned memory");
    return memory;
  }
  void freeStaging(void* memory) noexcept override { cudaFreeHost(memory); }

  void upload(const void* staging, std::size_t bytes, void* to) override {
    checkCuda(cudaMemcpyAsync(to, staging, bytes, cudaMemcpyHostToDevice, stream_), "a copy to the device failed");
  }
  void download(const void* from, std::size_t bytes, void* staging) override {
    checkCuda(cudaMemcpyAsync(staging, from, bytes, cudaMemcpyDeviceToHost, stream_), "a copy from the device failed");
  }
  std::unique_ptr<DeviceMark> makeMark() override { return std::make_unique<CudaMark>(stream_); }

 private:
  int number_;
  cudaStream_t stream_;
  bool ownsStream_;
  OrtPtr<OrtMemoryInfo> memory_{nullptr, nullptr};
};

}  // namespace

std::shared_ptr<Device> makeCudaDevice(const Library& library, int number, void* stream) {
  return std::make_shared<CudaDevice>(library, number, stream);
}

bool hasCudaDevice() {
  int count = 0;
  const bool found = cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
  cudaGetLastError();
  return found;
}

}  // namespace onnx_cam

#else

namespace onnx_cam {

void checkCuda(int error, const char* what) {
  if (error != 0) throw CodedError("ERR_RUNTIME", std::string("CUDA: ") + what);
}

std::shared_ptr<Device> makeCudaDevice(const Library&, int, void*) {
  throw CodedError("ERR_PROVIDER_UNAVAILABLE", "this build of the addon has no kernels for GPUs");
}

bool hasCudaDevice() { return false; }

}  // namespace onnx_cam

#endif
