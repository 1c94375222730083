// What metrics do to pixels (orders, products, blurs, exchanged pixels) on odd sizes, for the sanitizers to watch: buffers are
// exactly as large as they must be. Values are compared in depth by test/kernels and test/scoring.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "check.hpp"
#include "kernels/map/pixel_order.hpp"
#include "kernels/mask/random.hpp"
#include "kernels/picture/picture_values.hpp"
#include "runtime/error.hpp"
#include "scoring/pixel_variants.hpp"

using namespace onnx_cam;
using namespace onnx_cam::kernels;

namespace {

constexpr PictureLayout kLayouts[] = {{1, 1, 1, false}, {3, 1, 7, true},    {2, 9, 1, false},
                                      {3, 5, 4, true},  {3, 31, 17, false}, {1, 150, 130, true}};

std::vector<float> values(std::size_t count) {
  static Random random(1u);
  std::vector<float> result(count);
  for (float& value : result) value = static_cast<float>(random.normal());
  return result;
}

void testOrder(std::size_t count) {
  std::vector<float> map = values(count);
  for (std::size_t i = 0; i < count; i += 3) map[i] = i % 2 == 0 ? 0.0f : -0.0f;
  std::vector<std::uint32_t> order(count);
  CHECK(pixelOrder(map.data(), count, order.data()));
  for (std::size_t i = 1; i < count; i++) {
    const float before = map[order[i - 1]], own = map[order[i]];
    CHECK(before > own || (before == own && order[i - 1] < order[i]));
  }
  if (count == 0) return;
  map.back() = std::numeric_limits<float>::quiet_NaN();
  CHECK(!pixelOrder(map.data(), count, order.data()));
}

void testPictures(const PictureLayout& layout) {
  const std::vector<float> image = values(layout.size());
  std::vector<float> out(layout.size());
  multiplyByMap(image.data(), layout, std::vector<float>(layout.pixels(), 2.0f).data(), out.data());
  for (std::size_t i = 0; i < out.size(); i++) CHECK(out[i] == 2 * image[i]);
  for (const std::size_t length : {1, 3, 11, 51}) {
    const std::vector<float> kernel(length, 1.0f / static_cast<float>(length)), flat(layout.size(), 1.0f);
    blurPicture(flat.data(), layout, kernel, Border::reflect, out.data());
    for (const float value : out) CHECK(std::abs(value - 1) < 1e-5f);
    blurPicture(flat.data(), layout, kernel, Border::zero, out.data());
    for (const float value : out) CHECK(value > 0 && value < 1 + 1e-5f);
  }
}

void testVariants(const PictureLayout& layout) {
  const std::vector<float> from = values(layout.size()), to = values(layout.size());
  std::vector<std::uint32_t> order;
  for (std::size_t i = 0; i < layout.pixels(); i++)
    order.push_back(static_cast<std::uint32_t>(layout.pixels() - 1 - i));
  PixelVariantsConfig config;
  config.images = {from.data(), to.data()};
  config.orders = {{order.data(), order.size()}, {}};
  config.channels = layout.channels;
  config.pixels = layout.pixels();
  config.channelsLast = layout.channelsLast;
  const auto all = static_cast<std::uint32_t>(layout.pixels());
  config.items = {{0, 1, 0, 0, all}, {1, 1, 7, 0, 0}, {0, 1, 1, 0, 0}, {0, 1, 0, 0, all - 1}};
  const PixelVariants variants(config);
  const auto writer = variants.writer();
  std::vector<float> slot(layout.size());
  for (std::size_t item = 0; item < variants.count(); item++) {
    writer->write(item, slot.data());
    if (item < 3) CHECK(slot == (item == 2 ? from : to));
    if (item == 3) CHECK(slot[0] == from[0] && slot.back() == (all == 1 ? from : to).back());
  }
  const auto isShape = [](const CodedError& error) { return std::string_view(error.code()) == "ERR_INPUT_SHAPE"; };
  for (const PixelItem item : {PixelItem{2, 0, 0, 0, 0},
                               {0, 2, 0, 0, 0},
                               {0, 1, 2, 0, 1},
                               {0, 1, 0, 0, all + 1},
                               {0, 1, 1, 0, 1},
                               {0, 1, 0, 1, 0}}) {
    PixelVariantsConfig wrong = config;
    wrong.items = {item};
    CHECK_THROWS(PixelVariants(wrong), CodedError, isShape);
  }
  order[0] = all;
  CHECK_THROWS(PixelVariants(config), CodedError, isShape);
}

}  // namespace

int main() {
  for (const std::size_t count : {0, 1, 2, 3, 117, 5000}) testOrder(count);
  for (const PictureLayout& layout : kLayouts) {
    testPictures(layout);
    testVariants(layout);
  }
  return onnx_cam::test::result();
}
