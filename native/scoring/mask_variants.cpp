#include "scoring/mask_variants.hpp"

#include "kernels/mask/random.hpp"

namespace onnx_cam {

namespace {

class MaskWriter : public VariantWriter {
 public:
  explicit MaskWriter(const MaskVariantsConfig& config) : config_(config), painter_(config.plan) {}

  void write(std::size_t item, float* slot) override {
    const std::size_t selected = item / config_.scales.size(), repeat = item % config_.scales.size();
    const std::size_t map = config_.select[selected];
    kernels::MaskedImage image = config_.image;
    const kernels::MaskOffset offset = config_.offsets.empty() ? kernels::MaskOffset{} : config_.offsets[map];
    painter_.prepare(config_.maps + map * config_.plan.height * config_.plan.width, config_.rule,
                     config_.scales[repeat], offset, image.height, image.width);
    if (config_.noise.target == NoiseTarget::none) return painter_.paint(image, nullptr, slot);
    Random random(noiseSeed(config_.noiseKeys[selected], static_cast<uint32_t>(repeat), config_.noise.seed));
    if (config_.noise.target == NoiseTarget::mask) {
      noise_.resize(image.height * image.width);
      random.fillNormal(noise_.data(), noise_.size(), config_.noise.deviation);
      return painter_.paint(image, noise_.data(), slot);
    }
    noise_.resize(image.size());
    random.fillNormal(noise_.data(), noise_.size(), config_.noise.deviation);
    for (std::size_t i = 0; i < noise_.size(); i++) noise_[i] += image.image[i];
    image.image = noise_.data();
    painter_.paint(image, nullptr, slot);
  }

 private:
  const MaskVariantsConfig& config_;
  kernels::MaskPainter painter_;
  std::vector<float> noise_;
};

}  // namespace

std::unique_ptr<VariantWriter> MaskVariants::writer() const { return std::make_unique<MaskWriter>(config_); }

uint32_t noiseSeed(uint32_t key, uint32_t sample, uint32_t seed) {
  return key ^ (seed * 0x85ebca6bu) ^ ((sample + 1) * 0x9e3779b9u);
}

}  // namespace onnx_cam
