// Masked copies of an image as variants: Score-CAM, SS-CAM, IS-CAM, Group-CAM, Poly-CAM, RISE.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/mask/mask_batch.hpp"
#include "scoring/variants.hpp"

namespace onnx_cam {

enum class NoiseTarget { none, mask, input };

struct MaskNoise {
  NoiseTarget target = NoiseTarget::none;
  double deviation = 0;
  uint32_t seed = 0;
};

/// Item i is repeat i % repeats of map select[i / repeats]: mask · scales[repeat], with noise of its own.
struct MaskVariantsConfig {
  /// [count, h, w]; belongs to the caller.
  const float* maps = nullptr;
  /// The maps to run.
  std::vector<uint32_t> select;
  kernels::MaskPlan plan;
  kernels::MaskRule rule;
  kernels::MaskedImage image;
  /// One factor per repeat.
  std::vector<float> scales;
  MaskNoise noise;
  /// Per selected map, what its noise is seeded with: equal masks then have equal noise. Empty without noise.
  std::vector<uint32_t> noiseKeys;
  /// Per map, where the image lies on the plan's canvas; empty for the corner.
  std::vector<kernels::MaskOffset> offsets;
};

class MaskVariants : public Variants {
 public:
  explicit MaskVariants(MaskVariantsConfig config) : config_(std::move(config)) {}

  std::size_t count() const override { return config_.select.size() * config_.scales.size(); }
  std::size_t size() const override { return config_.image.size(); }
  std::unique_ptr<VariantWriter> writer() const override;
#ifdef ONNX_CAM_CUDA
  /// None with noise, whose random numbers come one after the other.
  std::unique_ptr<BatchWriter> cudaWriter(Device& device, std::size_t capacity) const override;
#endif

 private:
  MaskVariantsConfig config_;
};

/// The seed of one sample's noise.
uint32_t noiseSeed(uint32_t key, uint32_t sample, uint32_t seed);

}  // namespace onnx_cam
