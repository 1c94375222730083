#include "kernels/reduce/affine_scores.hpp"

#include <vector>

#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

/// G of a channel: its value at position i.
struct Slopes {
  const float* data;
  std::size_t step;

  Slopes(const AffineTail& tail, std::size_t target, std::size_t channel)
      : data(tail.slopes + (target * tail.channels + channel) * (tail.lazy ? 1 : tail.positions())),
        step(tail.lazy ? 0 : 1) {}
  double at(std::size_t i) const { return data[i * step]; }
};

/// What each channel gives to each score: Σ_i G A, [T, C].
std::vector<double> sharesOf(const AffineTail& tail) {
  const std::size_t positions = tail.positions();
  std::vector<double> shares(tail.targets * tail.channels);
  parallelFor(shares.size(), grainFor(2 * positions), [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; row++) {
      const std::size_t k = row % tail.channels;
      const Slopes slopes(tail, row / tail.channels, k);
      const float* a = tail.activations + k * positions;
      double sum = 0;
      for (std::size_t i = 0; i < positions; i++) sum += slopes.at(i) * a[i];
      shares[row] = sum;
    }
  });
  return shares;
}

/// b of each target.
std::vector<double> offsetsOf(const AffineTail& tail, const std::vector<double>& shares) {
  std::vector<double> offsets(tail.clean, tail.clean + tail.targets);
  for (std::size_t row = 0; row < shares.size(); row++) offsets[row / tail.channels] -= shares[row];
  return offsets;
}

/// The neighbours (and the place itself) of one position, inside the map, with their weights.
struct Neighbourhood {
  std::size_t at[9];
  double weight[9];
  std::size_t count = 0;

  Neighbourhood(std::size_t position, std::size_t height, std::size_t width) {
    const std::size_t y = position / width, x = position % width;
    for (std::size_t row = y == 0 ? 0 : y - 1; row <= y + 1 && row < height; row++) {
      for (std::size_t column = x == 0 ? 0 : x - 1; column <= x + 1 && column < width; column++) {
        at[count] = row * width + column;
        weight[count++] = (row == y ? 2 : 1) * (column == x ? 2 : 1) / 16.0;
      }
    }
  }
};

}  // namespace

void affineChannelScores(const AffineTail& tail, const std::uint32_t* select, const float* values, std::size_t copies,
                         double* out) {
  const std::size_t positions = tail.positions();
  const std::vector<double> shares = sharesOf(tail);
  parallelFor(copies, grainFor(tail.targets * positions), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      for (std::size_t t = 0; t < tail.targets; t++) {
        const Slopes slopes(tail, t, select[i]);
        double filled = 0;
        if (values[i] != 0) {
          for (std::size_t p = 0; p < positions; p++) filled += slopes.at(p) * values[i];
        }
        out[i * tail.targets + t] = tail.clean[t] - shares[t * tail.channels + select[i]] + filled;
      }
    }
  });
}

void affineSetScores(const AffineTail& tail, const std::uint8_t* sets, std::size_t copies, double* out) {
  const std::vector<double> shares = sharesOf(tail), offsets = offsetsOf(tail, shares);
  parallelFor(copies, grainFor(tail.targets * tail.channels), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      for (std::size_t t = 0; t < tail.targets; t++) {
        double sum = offsets[t];
        for (std::size_t k = 0; k < tail.channels; k++) {
          if (sets[i * tail.channels + k] != 0) sum += shares[t * tail.channels + k];
        }
        out[i * tail.targets + t] = sum;
      }
    }
  });
}

void affinePositionScores(const AffineTail& tail, Neighbours neighbours, double* out) {
  const std::size_t positions = tail.positions();
  const std::vector<double> offsets = offsetsOf(tail, sharesOf(tail));
  parallelFor(positions, grainFor(20 * tail.targets * tail.channels), [&](std::size_t begin, std::size_t end) {
    for (std::size_t p = begin; p < end; p++) {
      Neighbourhood near(p, tail.height, tail.width);
      if (neighbours == Neighbours::none) {
        near.at[0] = p;
        near.weight[0] = 1;
        near.count = 1;
      }
      for (std::size_t t = 0; t < tail.targets; t++) {
        double sum = offsets[t];
        for (std::size_t k = 0; k < tail.channels; k++) {
          const Slopes slopes(tail, t, k);
          const float* a = tail.activations + k * positions;
          for (std::size_t j = 0; j < near.count; j++) {
            const std::size_t at = near.at[j];
            sum += near.weight[j] * slopes.at(at) * a[neighbours == Neighbours::kept ? at : p];
          }
        }
        out[p * tail.targets + t] = sum;
      }
    }
  });
}

}  // namespace onnx_cam::kernels
