#include "scoring/pixel_variants.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "runtime/error.hpp"

namespace onnx_cam {

namespace {

class PixelWriter : public VariantWriter {
 public:
  explicit PixelWriter(const PixelVariantsConfig& config) : config_(config) {}

  void write(std::size_t index, float* slot) override {
    const PixelItem& item = config_.items[index];
    const std::size_t channels = config_.channels, pixels = config_.pixels;
    std::copy_n(config_.images[item.from], channels * pixels, slot);
    if (item.begin == item.end) return;
    const float* to = config_.images[item.to];
    const std::uint32_t* order = config_.orders[item.order].pixels;
    if (config_.channelsLast) {
      for (std::size_t i = item.begin; i < item.end; i++) {
        const std::size_t at = order[i] * channels;
        for (std::size_t c = 0; c < channels; c++) slot[at + c] = to[at + c];
      }
      return;
    }
    for (std::size_t c = 0; c < channels; c++) {
      const float* source = to + c * pixels;
      float* target = slot + c * pixels;
      for (std::size_t i = item.begin; i < item.end; i++) target[order[i]] = source[order[i]];
    }
  }

 private:
  const PixelVariantsConfig& config_;
};

void check(const PixelVariantsConfig& config) {
  for (std::size_t i = 0; i < config.items.size(); i++) {
    const PixelItem& item = config.items[i];
    const bool images = item.from < config.images.size() && item.to < config.images.size();
    const bool range =
        item.begin <= item.end &&
        (item.begin == item.end || (item.order < config.orders.size() && item.end <= config.orders[item.order].count));
    if (!images || !range) {
      throw CodedError("ERR_INPUT_SHAPE", "changed copy " + std::to_string(i) +
                                              " names an image or a stretch of an order of pixels that isn't there");
    }
  }
  for (const PixelOrder& order : config.orders) {
    const auto beyond = std::find_if(order.pixels, order.pixels + order.count,
                                     [&](std::uint32_t pixel) { return pixel >= config.pixels; });
    if (beyond == order.pixels + order.count) continue;
    throw CodedError("ERR_INPUT_SHAPE", "an order of pixels names pixel " + std::to_string(*beyond) +
                                            ", the picture has " + std::to_string(config.pixels));
  }
}

}  // namespace

PixelVariants::PixelVariants(PixelVariantsConfig config) : config_(std::move(config)) { check(config_); }

std::unique_ptr<VariantWriter> PixelVariants::writer() const { return std::make_unique<PixelWriter>(config_); }

}  // namespace onnx_cam
