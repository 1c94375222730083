#ifdef ONNX_CAM_CUDA

// The variants that a GPU makes by itself from what was copied to it once: the image or layer, and what is done to it.
#include "device/device.hpp"
#include "scoring/activation_variants.hpp"
#include "scoring/cuda_scoring.hpp"
#include "scoring/mask_variants.hpp"

namespace onnx_cam {

namespace {

namespace cuda = kernels::cuda;
using kernels::MaskAxis;

/// A MaskAxis on the device.
struct DeviceAxis {
  DeviceArray<uint32_t> low, high;
  DeviceArray<float> weight;

  DeviceAxis(Device& device, const MaskAxis& axis)
      : low(copyToDevice(device, axis.low.data(), axis.low.size())),
        high(copyToDevice(device, axis.high.data(), axis.high.size())),
        weight(copyToDevice(device, axis.weight.data(), axis.weight.size())) {}

  kernels::MaskAxisView view() const { return {low.data(), high.data(), weight.data()}; }
};

class CudaMaskWriter : public BatchWriter {
 public:
  CudaMaskWriter(Device& device, const MaskVariantsConfig& config, std::size_t capacity)
      : device_(device),
        image_(copyToDevice(device, config.image.image, config.image.size())),
        background_(copyToDevice(device, config.image.background,
                                 config.image.background == nullptr ? 0 : config.image.size())),
        maps_(copyToDevice(device, config.maps, mapCount(config) * config.plan.height * config.plan.width)),
        rows_(device, config.plan.rows),
        columns_(device, config.plan.columns),
        select_(copyToDevice(device, config.select.data(), config.select.size())),
        scales_(copyToDevice(device, config.scales.data(), config.scales.size())),
        offsets_(copyToDevice(device, config.offsets.data(), config.offsets.size())),
        stretchings_(device, capacity),
        masked_(config.image) {
    masked_.image = image_.data();
    if (masked_.background != nullptr) masked_.background = background_.data();
    view_.maps = maps_.data();
    view_.height = config.plan.height;
    view_.width = config.plan.width;
    view_.rows = rows_.view();
    view_.columns = columns_.view();
    view_.rule = config.rule;
    view_.select = select_.data();
    view_.repeats = config.scales.size();
    view_.scales = scales_.data();
    view_.offsets = config.offsets.empty() ? nullptr : offsets_.data();
  }

  void write(std::size_t begin, std::size_t count, float* batch) override {
    view_.begin = begin;
    checkCuda(
        cuda::paintMasks(view_, masked_, count, stretchings_.data(), cuda::Element::float32, batch, device_.stream()),
        "masks could not be painted");
  }

 private:
  /// As many maps as are asked for.
  static std::size_t mapCount(const MaskVariantsConfig& config) {
    std::size_t count = 0;
    for (const uint32_t map : config.select) count = map >= count ? map + std::size_t{1} : count;
    return count;
  }

  Device& device_;
  DeviceArray<float> image_, background_, maps_;
  DeviceAxis rows_, columns_;
  DeviceArray<uint32_t> select_;
  DeviceArray<float> scales_;
  DeviceArray<kernels::MaskOffset> offsets_;
  DeviceArray<kernels::MaskStretching> stretchings_;
  kernels::MaskedImage masked_;
  kernels::MaskView view_;
};

using Kind = cuda::ActivationChange::Kind;

class CudaActivationWriter : public BatchWriter {
 public:
  CudaActivationWriter(Device& device, LayerView layer, Kind kind)
      : device_(device), layer_(copyToDevice(device, layer.data, layer.size())) {
    change_.kind = kind;
    change_.layer = layer_.data();
    change_.channelCount = layer.channels;
    change_.height = layer.height;
    change_.width = layer.width;
  }

  void setChannels(const uint32_t* channels, const float* values, std::size_t count) {
    channels_ = copyToDevice(device_, channels, count);
    values_ = copyToDevice(device_, values, count);
    change_.channels = channels_.data();
    change_.values = values_.data();
  }

  void setSets(const uint8_t* sets, std::size_t count) {
    sets_ = copyToDevice(device_, sets, count);
    change_.sets = sets_.data();
  }

  void write(std::size_t begin, std::size_t count, float* batch) override {
    change_.begin = begin;
    checkCuda(cuda::changeActivations(change_, count, cuda::Element::float32, batch, device_.stream()),
              "activations could not be changed");
  }

 private:
  Device& device_;
  DeviceArray<float> layer_;
  DeviceArray<uint32_t> channels_;
  DeviceArray<float> values_;
  DeviceArray<uint8_t> sets_;
  cuda::ActivationChange change_;
};

}  // namespace

std::unique_ptr<BatchWriter> MaskVariants::cudaWriter(Device& device, std::size_t capacity) const {
  if (config_.noise.target != NoiseTarget::none) return nullptr;
  return std::make_unique<CudaMaskWriter>(device, config_, capacity);
}

std::unique_ptr<BatchWriter> ChannelVariants::cudaWriter(Device& device, std::size_t) const {
  auto writer = std::make_unique<CudaActivationWriter>(device, layer_, Kind::channels);
  writer->setChannels(channels_, values_, count_);
  return writer;
}

std::unique_ptr<BatchWriter> ChannelSetVariants::cudaWriter(Device& device, std::size_t) const {
  auto writer = std::make_unique<CudaActivationWriter>(device, layer_, Kind::sets);
  writer->setSets(sets_, count_ * layer_.channels);
  return writer;
}

std::unique_ptr<BatchWriter> PositionVariants::cudaWriter(Device& device, std::size_t) const {
  const Kind kind = surroundings_ == Surroundings::kNone     ? Kind::position
                    : surroundings_ == Surroundings::kSpread ? Kind::spread
                                                             : Kind::kept;
  return std::make_unique<CudaActivationWriter>(device, layer_, kind);
}

}  // namespace onnx_cam

#endif
