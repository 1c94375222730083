// Where a session's tensors live besides the CPU's memory: memory, transfers and one queue of work in order.
//
// The queue is shared by ONNX Runtime's run and our own kernels, so that a batch is written, run and read without the CPU
// in between. There is a CUDA device, and a host device on ordinary memory, which lets tests take the same way without a
// GPU.
#pragma once

#include <onnxruntime_c_api.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "kernels/cuda/cuda_kernels.hpp"
#include "runtime/library.hpp"

namespace onnx_cam {

/// A point in a device's queue that can be waited for.
class DeviceMark {
 public:
  virtual ~DeviceMark() = default;
  /// Sets the mark behind everything queued so far.
  virtual void set() = 0;
  /// Returns when the device has passed it. Throws CodedError ERR_RUNTIME with the failure of what was queued.
  virtual void wait() = 0;
};

class Device {
 public:
  virtual ~Device() = default;

  /// Makes it the calling thread's device; before anything else, on every thread.
  virtual void enter() = 0;

  /// Whether kernels of kernels/cuda_kernels.hpp run on it; else its memory is the CPU's.
  virtual bool runsCuda() const = 0;
  /// The stream for such kernels.
  virtual kernels::cuda::Stream stream() const = 0;
  /// How ONNX Runtime calls the memory. Owned by the device.
  virtual const OrtMemoryInfo* memory() const = 0;

  /// Throws CodedError ERR_OUT_OF_MEMORY.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void free(void* memory) noexcept = 0;
  /// Memory of the CPU that the device can copy from and to without a detour.
  virtual void* allocateStaging(std::size_t bytes) = 0;
  virtual void freeStaging(void* memory) noexcept = 0;

  /// Queue copies; `staging` must stay as it is until the queue has passed them.
  virtual void upload(const void* staging, std::size_t bytes, void* to) = 0;
  virtual void download(const void* from, std::size_t bytes, void* staging) = 0;
  virtual std::unique_ptr<DeviceMark> makeMark() = 0;

  /// Holds the device for a thread that queues work which belongs together; one thread at a time.
  class Turn {
   public:
    explicit Turn(Device& device) : lock_(device.turn_) { device.enter(); }

   private:
    std::lock_guard<std::mutex> lock_;
  };

 private:
  std::mutex turn_;
};

/// Room for `count` elements of device or staging memory.
template <class T>
class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(Device& device, std::size_t count, bool staging = false) : device_(&device), staging_(staging) {
    // No allocation of nothing: CUDA answers it with a null pointer.
    const std::size_t bytes = (count > 0 ? count : 1) * sizeof(T);
    data_ = static_cast<T*>(staging ? device.allocateStaging(bytes) : device.allocate(bytes));
  }
  ~DeviceArray() { reset(); }
  DeviceArray(DeviceArray&& other) noexcept { *this = std::move(other); }
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(staging_, other.staging_);
    return *this;
  }

  T* data() const { return data_; }

 private:
  void reset() {
    if (data_ == nullptr) return;
    staging_ ? device_->freeStaging(data_) : device_->free(data_);
    data_ = nullptr;
  }

  Device* device_ = nullptr;
  T* data_ = nullptr;
  bool staging_ = false;
};

/// `count` elements of ordinary memory on their way to the device. They may be changed afterwards: copies from memory that
/// is no staging memory take the values with them before they return.
template <class T>
DeviceArray<T> copyToDevice(Device& device, const T* values, std::size_t count) {
  DeviceArray<T> array(device, count);
  if (count > 0) device.upload(values, count * sizeof(T), array.data());
  return array;
}

/// Throws CodedError unless `error`, as kernels of kernels/cuda_kernels.hpp return it, is 0: ERR_OUT_OF_MEMORY, or
/// ERR_RUNTIME with CUDA's text.
void checkCuda(int error, const char* what);

/// The device on ordinary memory.
std::shared_ptr<Device> makeHostDevice(const Library& library);

/// The CUDA device of this number, with a stream of its own, or with `stream` (a cudaStream_t that somebody else owns).
/// Throws CodedError ERR_PROVIDER_UNAVAILABLE when there is none or the build has no kernels for it.
std::shared_ptr<Device> makeCudaDevice(const Library& library, int number, void* stream);

/// Whether this build has kernels for GPUs and the machine a device for them.
bool hasCudaDevice();

}  // namespace onnx_cam
