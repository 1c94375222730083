// Seeded random numbers, the same as lib/common/random.ts: xoshiro128++ seeded through splitmix32.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace onnx_cam {

class Random {
 public:
  explicit Random(uint32_t seed) {
    for (uint32_t& word : state_) {
      seed += 0x9e3779b9u;
      uint32_t z = seed;
      z = (z ^ (z >> 16)) * 0x21f0aaadu;
      z = (z ^ (z >> 15)) * 0x735a2d97u;
      word = z ^ (z >> 15);
    }
  }

  /// Goes on from another generator's state.
  explicit Random(const uint32_t* state) { std::copy_n(state, 4, state_); }

  void copyState(uint32_t* to) const { std::copy_n(state_, 4, to); }

  uint32_t bits() {
    const uint32_t result = std::rotl(state_[0] + state_[3], 7) + state_[0];
    const uint32_t t = state_[1] << 9;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 11);
    return result;
  }

  /// Uniform in [0, 1).
  double uniform() { return bits() / 4294967296.0; }

  /// Standard normal (Box-Muller): the cosine's value alone, as lib/common/random.ts has it.
  double normal() {
    const double r = std::sqrt(-2 * std::log(1 - uniform()));
    return r * std::cos(2 * std::numbers::pi * uniform());
  }

  /// Normal values with this deviation, in pairs (Box-Muller: r cos φ, r sin φ).
  void fillNormal(float* out, std::size_t count, double deviation) {
    for (std::size_t i = 0; i < count; i += 2) {
      const double r = deviation * std::sqrt(-2 * std::log(1 - uniform()));
      const double angle = 2 * std::numbers::pi * uniform();
      out[i] = static_cast<float>(r * std::cos(angle));
      if (i + 1 < count) out[i + 1] = static_cast<float>(r * std::sin(angle));
    }
  }

 private:
  uint32_t state_[4];
};

}  // namespace onnx_cam
