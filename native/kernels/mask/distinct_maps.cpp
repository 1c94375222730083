#include "kernels/mask/distinct_maps.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "kernels/base/bits.hpp"
#include "kernels/base/interruption.hpp"

namespace onnx_cam {

namespace {

/// Rounded values of one map; returns whether it is constant.
bool quantise(const float* map, std::size_t positions, const kernels::MaskRule& rule, int32_t* out) {
  const auto [low, high] = std::minmax_element(map, map + positions);
  const bool constant = *low == *high && std::none_of(map, map + positions, [](float v) { return std::isnan(v); });
  if (rule.stretch == kernels::MaskStretch::none) {
    for (std::size_t i = 0; i < positions; i++) out[i] = kernels::bitCast<int32_t>(map[i]);
    return constant;
  }
  const double range = static_cast<double>(*high) - *low;
  const double factor = constant ? 0 : 1e6 / (range + rule.epsilon);
  for (std::size_t i = 0; i < positions; i++) {
    const double value = (static_cast<double>(map[i]) - *low) * factor;
    // Not finite, or a NaN in the map made the range meaningless: such maps are equal to themselves only.
    out[i] = std::isfinite(value) && std::abs(value) <= 2e9 ? static_cast<int32_t>(std::lround(value))
                                                            : kernels::bitCast<int32_t>(map[i]);
  }
  return constant;
}

uint32_t hash(const int32_t* values, std::size_t count) {
  uint32_t result = 0x811c9dc5u;
  for (std::size_t i = 0; i < count; i++) result = (result ^ static_cast<uint32_t>(values[i])) * 0x01000193u;
  return result;
}

}  // namespace

DistinctMaps findDistinctMaps(const float* maps, std::size_t count, std::size_t positions,
                              const kernels::MaskRule& rule, bool merge, bool skipConstant) {
  DistinctMaps result;
  result.group.assign(count, -1);
  result.constant.assign(count, 0);
  std::vector<int32_t> kept;  // Rounded values of each group's first map.
  std::unordered_multimap<uint32_t, uint32_t> byKey;
  std::vector<int32_t> rounded(positions);
  for (std::size_t i = 0; i < count; i++) {
    kernels::checkInterruption();
    result.constant[i] = quantise(maps + i * positions, positions, rule, rounded.data()) ? 1 : 0;
    if (skipConstant && result.constant[i] != 0) continue;
    const uint32_t key = hash(rounded.data(), positions);
    if (merge) {
      const auto [begin, end] = byKey.equal_range(key);
      const auto same = std::find_if(begin, end, [&](const auto& entry) {
        return std::equal(rounded.begin(), rounded.end(), &kept[entry.second * positions]);
      });
      if (same != end) {
        result.group[i] = static_cast<int32_t>(same->second);
        continue;
      }
      byKey.emplace(key, static_cast<uint32_t>(result.first.size()));
      kept.insert(kept.end(), rounded.begin(), rounded.end());
    }
    result.group[i] = static_cast<int32_t>(result.first.size());
    result.first.push_back(static_cast<uint32_t>(i));
    result.key.push_back(key);
  }
  return result;
}

DistinctSets findDistinctSets(std::vector<uint8_t> sets, std::size_t channels, bool merge) {
  DistinctSets result;
  std::unordered_map<std::string_view, uint32_t> rows;
  for (std::size_t i = 0; i < sets.size() / channels; i++) {
    kernels::checkInterruption();
    const std::string_view row(reinterpret_cast<const char*>(&sets[i * channels]), channels);
    const auto next = static_cast<uint32_t>(result.sets.size() / channels);
    const uint32_t at = merge ? rows.emplace(row, next).first->second : next;
    if (at == next) result.sets.insert(result.sets.end(), row.begin(), row.end());
    result.group.push_back(at);
  }
  return result;
}

}  // namespace onnx_cam
