// Copies of an image in which some pixels are those of another one, as variants: deletion, insertion, ROAD, and all metrics
// that remove pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scoring/variants.hpp"

namespace onnx_cam {

/// Pixels orders[order][begin … end) are those of image `to`, all others those of image `from`.
struct PixelItem {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint32_t order = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// Row-major pixel numbers, y · W + x; a pixel that is named twice is changed once.
struct PixelOrder {
  const std::uint32_t* pixels = nullptr;
  std::size_t count = 0;
};

/// Arrays belong to the caller.
struct PixelVariantsConfig {
  /// Each [C, H, W], or [H, W, C] with `channelsLast`.
  std::vector<const float*> images;
  std::vector<PixelOrder> orders;
  std::vector<PixelItem> items;
  std::size_t channels = 0;
  /// H · W.
  std::size_t pixels = 0;
  bool channelsLast = false;
};

/// All channels of a pixel change together. A GPU gets them copied.
class PixelVariants : public Variants {
 public:
  /// Throws CodedError ERR_INPUT_SHAPE for items that name an image, an order, a stretch of an order or a pixel that isn't
  /// there.
  explicit PixelVariants(PixelVariantsConfig config);

  std::size_t count() const override { return config_.items.size(); }
  std::size_t size() const override { return config_.channels * config_.pixels; }
  std::unique_ptr<VariantWriter> writer() const override;

 private:
  PixelVariantsConfig config_;
};

}  // namespace onnx_cam
