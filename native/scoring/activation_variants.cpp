#include "scoring/activation_variants.hpp"

#include <algorithm>
#include <cstring>

namespace onnx_cam {

namespace {

template <typename Write>
class Writer : public VariantWriter {
 public:
  explicit Writer(Write write) : write_(write) {}
  void write(std::size_t item, float* slot) override { write_(item, slot); }

 private:
  Write write_;
};

template <typename Write>
std::unique_ptr<VariantWriter> makeWriter(Write write) {
  return std::make_unique<Writer<Write>>(write);
}

constexpr float kSpread[3] = {0.25f, 0.5f, 0.25f};

}  // namespace

std::unique_ptr<VariantWriter> ChannelVariants::writer() const {
  return makeWriter([this](std::size_t item, float* slot) {
    std::memcpy(slot, layer_.data, layer_.size() * sizeof(float));
    std::fill_n(slot + channels_[item] * layer_.area(), layer_.area(), values_[item]);
  });
}

std::unique_ptr<VariantWriter> ChannelSetVariants::writer() const {
  return makeWriter([this](std::size_t item, float* slot) {
    const std::size_t area = layer_.area();
    for (std::size_t k = 0; k < layer_.channels; k++) {
      const float* source = layer_.data + k * area;
      if (sets_[item * layer_.channels + k] != 0) {
        std::copy_n(source, area, slot + k * area);
      } else {
        std::fill_n(slot + k * area, area, 0.0f);
      }
    }
  });
}

std::unique_ptr<VariantWriter> PositionVariants::writer() const {
  return makeWriter([this](std::size_t item, float* slot) {
    const std::size_t area = layer_.area(), row = item / layer_.width, column = item % layer_.width;
    std::fill_n(slot, layer_.size(), 0.0f);
    for (std::size_t k = 0; k < layer_.channels; k++) {
      const float value = layer_.data[k * area + item];
      float* channel = slot + k * area;
      if (surroundings_ == Surroundings::kNone) {
        channel[item] = value;
        continue;
      }
      for (std::size_t dy = 0; dy < 3; dy++) {
        for (std::size_t dx = 0; dx < 3; dx++) {
          const std::size_t y = row + dy, x = column + dx;  // One more than the neighbour's.
          if (y == 0 || x == 0 || y > layer_.height || x > layer_.width) continue;
          const std::size_t at = (y - 1) * layer_.width + x - 1;
          const float kept = surroundings_ == Surroundings::kKept ? layer_.data[k * area + at] : value;
          channel[at] = kept * kSpread[dy] * kSpread[dx];
        }
      }
    }
  });
}

}  // namespace onnx_cam
