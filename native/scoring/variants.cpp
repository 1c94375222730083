#include "scoring/variants.hpp"

#include <utility>

#include "device/device.hpp"

namespace onnx_cam {

namespace {

/// Two buffers in turn: one is being copied while the other is written.
class StagedWriter : public BatchWriter {
 public:
  StagedWriter(Device& device, const Variants& variants, std::size_t capacity)
      : device_(device), size_(variants.size()), writer_(variants.writer()) {
    for (auto& staging : staging_) staging = DeviceArray<float>(device, capacity * size_, /*staging=*/true);
  }

  void write(std::size_t begin, std::size_t count, float* batch) override {
    float* staging = staging_[turn_].data();
    turn_ = 1 - turn_;
    for (std::size_t i = 0; i < count; i++) writer_->write(begin + i, staging + i * size_);
    device_.upload(staging, count * size_ * sizeof(float), batch);
  }

 private:
  Device& device_;
  std::size_t size_;
  std::unique_ptr<VariantWriter> writer_;
  DeviceArray<float> staging_[2];
  int turn_ = 0;
};

}  // namespace

std::unique_ptr<BatchWriter> Variants::batchWriter(Device& device, std::size_t capacity) const {
  std::unique_ptr<BatchWriter> writer = device.runsCuda() ? cudaWriter(device, capacity) : nullptr;
  return writer ? std::move(writer) : std::make_unique<StagedWriter>(device, *this, capacity);
}

}  // namespace onnx_cam
