#include "kernels/map/pixel_order.hpp"

#include <utility>
#include <vector>

#include "kernels/base/bits.hpp"
#include "kernels/base/interruption.hpp"

namespace onnx_cam::kernels {
namespace {

constexpr std::size_t kPasses = 3;
constexpr unsigned kDigit = 11;
constexpr std::size_t kBuckets = std::size_t{1} << kDigit;
constexpr std::uint32_t kSign = 0x80000000u;
constexpr std::uint32_t kInfinity = 0x7f800000u;

struct Entry {
  std::uint32_t key;
  std::uint32_t pixel;
};

/// Ascending where values descend.
std::uint32_t keyOf(std::uint32_t bits) {
  if (bits == kSign) bits = 0;  // −0
  return (bits & kSign) != 0 ? bits : ~(bits | kSign);
}

std::size_t digitOf(std::uint32_t key, std::size_t pass) { return (key >> (pass * kDigit)) & (kBuckets - 1); }

}  // namespace

bool pixelOrder(const float* map, std::size_t count, std::uint32_t* order) {
  std::vector<Entry> entries(count), sorted(count);
  std::vector<std::size_t> counts(kPasses * kBuckets);
  for (std::size_t i = 0; i < count; i++) {
    const auto bits = bitCast<std::uint32_t>(map[i]);
    if ((bits & ~kSign) > kInfinity) return false;
    const std::uint32_t key = keyOf(bits);
    entries[i] = {key, static_cast<std::uint32_t>(i)};
    for (std::size_t pass = 0; pass < kPasses; pass++) counts[pass * kBuckets + digitOf(key, pass)]++;
  }
  for (std::size_t pass = 0; pass < kPasses && count > 0; pass++) {
    checkInterruption();
    std::size_t* next = &counts[pass * kBuckets];
    if (next[digitOf(entries[0].key, pass)] == count) continue;
    std::size_t begin = 0;
    for (std::size_t digit = 0; digit < kBuckets; digit++) begin += std::exchange(next[digit], begin);
    for (const Entry& entry : entries) sorted[next[digitOf(entry.key, pass)]++] = entry;
    entries.swap(sorted);
  }
  for (std::size_t i = 0; i < count; i++) order[i] = entries[i].pixel;
  return true;
}

}  // namespace onnx_cam::kernels
