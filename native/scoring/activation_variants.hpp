// Changed copies of a layer's activations as variants, for the tail of a network: Ablation-, FD- and Recipro-CAM.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scoring/variants.hpp"

namespace onnx_cam {

/// Activations [C, h, w] of one image; belong to the caller, like everything that the variants point at.
struct LayerView {
  const float* data = nullptr;
  std::size_t channels = 0;
  std::size_t height = 0;
  std::size_t width = 0;

  std::size_t area() const { return height * width; }
  std::size_t size() const { return channels * area(); }
};

/// Variant i: channel channels[i] holds values[i] everywhere, the others stay.
class ChannelVariants : public Variants {
 public:
  ChannelVariants(LayerView layer, const uint32_t* channels, const float* values, std::size_t count)
      : layer_(layer), channels_(channels), values_(values), count_(count) {}

  std::size_t count() const override { return count_; }
  std::size_t size() const override { return layer_.size(); }
  std::unique_ptr<VariantWriter> writer() const override;
#ifdef ONNX_CAM_CUDA
  std::unique_ptr<BatchWriter> cudaWriter(Device& device, std::size_t capacity) const override;
#endif

 private:
  LayerView layer_;
  const uint32_t* channels_;
  const float* values_;
  std::size_t count_;
};

/// Variant i: channel k stays where sets[i · C + k] is not 0, else it is 0.
class ChannelSetVariants : public Variants {
 public:
  ChannelSetVariants(LayerView layer, const uint8_t* sets, std::size_t count)
      : layer_(layer), sets_(sets), count_(count) {}

  std::size_t count() const override { return count_; }
  std::size_t size() const override { return layer_.size(); }
  std::unique_ptr<VariantWriter> writer() const override;
#ifdef ONNX_CAM_CUDA
  std::unique_ptr<BatchWriter> cudaWriter(Device& device, std::size_t capacity) const override;
#endif

 private:
  LayerView layer_;
  const uint8_t* sets_;
  std::size_t count_;
};

/// What is left of a layer at a position and around it.
enum class Surroundings {
  kNone,    ///< The position's own values alone.
  kSpread,  ///< Its values, spread over the 3×3 neighbourhood with weights [1 2 1; 2 4 2; 1 2 1] / 16.
  kKept,    ///< The values of the 3×3 neighbourhood, each times those weights.
};

/// Variant i: all channels are 0 but at position i (row-major) and perhaps around it, cut off at the border.
class PositionVariants : public Variants {
 public:
  PositionVariants(LayerView layer, Surroundings surroundings) : layer_(layer), surroundings_(surroundings) {}

  std::size_t count() const override { return layer_.area(); }
  std::size_t size() const override { return layer_.size(); }
  std::unique_ptr<VariantWriter> writer() const override;
#ifdef ONNX_CAM_CUDA
  std::unique_ptr<BatchWriter> cudaWriter(Device& device, std::size_t capacity) const override;
#endif

 private:
  LayerView layer_;
  Surroundings surroundings_;
};

}  // namespace onnx_cam
