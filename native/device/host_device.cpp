#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <string>

#include "device/device.hpp"
#include "runtime/error.hpp"

namespace onnx_cam {

namespace {

class HostMark : public DeviceMark {
 public:
  void set() override {}
  void wait() override {}
};

/// Bytes that may be in use at a time; for tests of what happens on small devices.
std::size_t memoryLimit() {
  const char* limit = std::getenv("ONNX_CAM_DEVICE_MEMORY");
  return limit == nullptr ? std::numeric_limits<std::size_t>::max() : std::strtoull(limit, nullptr, 10);
}

class HostDevice : public Device {
 public:
  explicit HostDevice(const Library& library) : memory_(library.cpuMemory), left_(memoryLimit()) {}

  void enter() override {}
  bool runsCuda() const override { return false; }
  kernels::cuda::Stream stream() const override { return nullptr; }
  const OrtMemoryInfo* memory() const override { return memory_; }

  void* allocate(std::size_t bytes) override {
    std::lock_guard lock(mutex_);
    void* memory = bytes <= left_ ? std::malloc(bytes) : nullptr;
    if (memory == nullptr) throw CodedError("ERR_OUT_OF_MEMORY", "no memory for " + std::to_string(bytes) + " bytes");
    left_ -= sizes_[memory] = bytes;
    return memory;
  }
  void free(void* memory) noexcept override {
    std::lock_guard lock(mutex_);
    left_ += sizes_[memory];
    sizes_.erase(memory);
    std::free(memory);
  }
  void* allocateStaging(std::size_t bytes) override { return allocate(bytes); }
  void freeStaging(void* memory) noexcept override { free(memory); }

  void upload(const void* staging, std::size_t bytes, void* to) override { std::memcpy(to, staging, bytes); }
  void download(const void* from, std::size_t bytes, void* staging) override { std::memcpy(staging, from, bytes); }
  std::unique_ptr<DeviceMark> makeMark() override { return std::make_unique<HostMark>(); }

 private:
  const OrtMemoryInfo* memory_;
  std::mutex mutex_;
  std::map<void*, std::size_t> sizes_;
  std::size_t left_;
};

}  // namespace

std::shared_ptr<Device> makeHostDevice(const Library& library) { return std::make_shared<HostDevice>(library); }

}  // namespace onnx_cam
