#include "kernels/mask/cluster_channels.hpp"

#include <algorithm>
#include <limits>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/mask/random.hpp"

namespace onnx_cam {

namespace {

constexpr int kRounds = 30;

double distance(const float* a, const float* b, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; i++) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return sum;
}

/// k-means++: each further centre is drawn with a probability that grows with its distance from those chosen.
std::vector<float> firstCentres(const float* activations, std::size_t channels, std::size_t positions,
                                std::size_t clusters, uint32_t seed) {
  Random random(seed);
  std::vector<double> nearest(channels, std::numeric_limits<double>::infinity());
  std::vector<float> centres;
  std::size_t chosen = std::min(channels - 1, static_cast<std::size_t>(random.uniform() * channels));
  while (true) {
    const float* centre = activations + chosen * positions;
    centres.insert(centres.end(), centre, centre + positions);
    if (centres.size() == clusters * positions) return centres;
    double total = 0;
    for (std::size_t k = 0; k < channels; k++) {
      kernels::checkInterruption();
      nearest[k] = std::min(nearest[k], distance(activations + k * positions, centre, positions));
      total += nearest[k];
    }
    double left = random.uniform() * total;
    for (chosen = 0; chosen + 1 < channels && left >= nearest[chosen]; chosen++) left -= nearest[chosen];
  }
}

}  // namespace

std::vector<uint32_t> clusterChannels(const float* activations, std::size_t channels, std::size_t positions,
                                      std::size_t clusters, uint32_t seed) {
  clusters = std::min(clusters, channels);
  std::vector<float> centres = firstCentres(activations, channels, positions, clusters, seed);
  std::vector<uint32_t> assigned(channels, 0);
  for (int round = 0; round < kRounds; round++) {
    std::vector<uint32_t> next(channels);
    kernels::parallelFor(channels, kernels::grainFor(clusters * positions), [&](std::size_t begin, std::size_t end) {
      for (std::size_t k = begin; k < end; k++) {
        kernels::checkInterruption();
        double best = std::numeric_limits<double>::infinity();
        for (std::size_t c = 0; c < clusters; c++) {
          const double own = distance(activations + k * positions, &centres[c * positions], positions);
          if (own < best) {
            best = own;
            next[k] = static_cast<uint32_t>(c);
          }
        }
      }
    });
    if (round > 0 && next == assigned) break;
    assigned = std::move(next);
    std::vector<double> sums(clusters * positions, 0.0);
    std::vector<std::size_t> members(clusters, 0);
    for (std::size_t k = 0; k < channels; k++) {
      kernels::checkInterruption();
      members[assigned[k]]++;
      for (std::size_t i = 0; i < positions; i++) {
        sums[assigned[k] * positions + i] += activations[k * positions + i];
      }
    }
    for (std::size_t i = 0; i < sums.size(); i++) {
      const std::size_t count = members[i / positions];
      if (count > 0) centres[i] = static_cast<float>(sums[i] / static_cast<double>(count));
    }
  }
  return assigned;
}

}  // namespace onnx_cam
