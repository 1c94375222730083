#include "kernels/decompose/factorize.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

constexpr int kIterations = 200;
constexpr double kTolerance = 1e-4;
constexpr std::size_t kLanes = 8;
/// Rows that are summed together; parts are added up in their order.
constexpr std::size_t kRowsPerPart = 64;

double dot(const float* a, const float* b, std::size_t count) {
  float lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t l = 0; l < kLanes; l++) lanes[l] += a[i + l] * b[i + l];
  }
  double sum = 0;
  for (; i < count; i++) sum += static_cast<double>(a[i]) * b[i];
  for (const float lane : lanes) sum += lane;
  return sum;
}

/// One coordinate's step; returns the size of its projected gradient. NaN stays.
double descend(double& value, double gradient, double curvature) {
  const double violation = value == 0 ? std::max(-gradient, 0.0) : std::abs(gradient);
  if (curvature != 0) value = std::max(value - gradient / curvature, 0.0);
  return violation;
}

class Factorization {
 public:
  Factorization(std::vector<float> v, std::size_t channels, std::size_t positions, std::size_t components,
                const float* start)
      : v_(std::move(v)),
        channels_(channels),
        positions_(positions),
        components_(components),
        w_(channels * components),
        h_(components * positions),
        rounded_(components * positions) {
    const double mean = std::accumulate(v_.begin(), v_.end(), 0.0) / static_cast<double>(v_.size());
    const double scale = std::sqrt(mean / static_cast<double>(components));
    for (std::size_t i = 0; i < h_.size(); i++) h_[i] = scale * start[i];
    for (std::size_t i = 0; i < w_.size(); i++) w_[i] = scale * start[h_.size() + i];
    parts_.resize((channels + kRowsPerPart - 1) / kRowsPerPart);
    for (Part& part : parts_) {
      part.products.resize(components * positions);
      part.gram.resize(components * components);
    }
    gram_.resize(components * components);
  }

  void run() {
    double first = 0;
    for (int iteration = 0; iteration < kIterations; iteration++) {
      const double violation = updateW() + updateH();
      if (iteration == 0) first = violation;
      if (violation <= kTolerance * first) return;
    }
  }

  void write(float* result) {
    std::vector<double> strengths(components_);
    for (std::size_t t = 0; t < components_; t++) {
      double square = 0, energy = 0;
      for (std::size_t k = 0; k < channels_; k++) square += w_[k * components_ + t] * w_[k * components_ + t];
      double* row = &h_[t * positions_];
      const double norm = std::sqrt(square);
      for (std::size_t k = 0; norm > 0 && k < channels_; k++) w_[k * components_ + t] /= norm;
      for (std::size_t i = 0; i < positions_; i++) row[i] *= norm, energy += row[i] * row[i];
      for (std::size_t k = 0; energy == 0 && k < channels_; k++) w_[k * components_ + t] = 0;
      strengths[t] = energy;
    }
    std::vector<std::size_t> order(components_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return strengths[a] > strengths[b]; });
    for (std::size_t t = 0; t < components_; t++) {
      const double* row = &h_[order[t] * positions_];
      std::transform(row, row + positions_, result + t * positions_, [](double value) { return float(value); });
      float* column = result + components_ * positions_ + t * channels_;
      for (std::size_t k = 0; k < channels_; k++) column[k] = static_cast<float>(w_[k * components_ + order[t]]);
    }
  }

 private:
  /// Sums over some rows of the new W.
  struct Part {
    std::vector<float> products;  // WᵀV
    std::vector<double> gram;     // WᵀW
    double violation = 0;
  };

  /// Also leaves WᵀV and WᵀW of the new rows in the parts: V is read once for both factors.
  double updateW() {
    for (std::size_t t = 0; t < components_; t++) {
      for (std::size_t r = t; r < components_; r++) {
        const double* a = &h_[t * positions_];
        gram_[t * components_ + r] = gram_[r * components_ + t] =
            std::inner_product(a, a + positions_, &h_[r * positions_], 0.0);
      }
    }
    std::transform(h_.begin(), h_.end(), rounded_.begin(), [](double value) { return static_cast<float>(value); });
    const std::size_t operations = kRowsPerPart * components_ * positions_;
    parallelFor(parts_.size(), grainFor(operations), [this](std::size_t begin, std::size_t end) {
      for (std::size_t p = begin; p < end; p++) {
        checkInterruption();
        updatePart(parts_[p], p * kRowsPerPart);
      }
    });
    double violation = 0;
    for (const Part& part : parts_) violation += part.violation;
    return violation;
  }

  void updatePart(Part& part, std::size_t from) {
    std::fill(part.products.begin(), part.products.end(), 0.0f);
    std::fill(part.gram.begin(), part.gram.end(), 0.0);
    part.violation = 0;
    for (std::size_t k = from; k < std::min(from + kRowsPerPart, channels_); k++) {
      const float* v = &v_[k * positions_];
      double* w = &w_[k * components_];
      for (std::size_t t = 0; t < components_; t++) {
        double gradient = -dot(v, &rounded_[t * positions_], positions_);
        for (std::size_t r = 0; r < components_; r++) gradient += gram_[t * components_ + r] * w[r];
        part.violation += descend(w[t], gradient, gram_[t * components_ + t]);
      }
      for (std::size_t t = 0; t < components_; t++) {
        if (w[t] == 0) continue;
        float* products = &part.products[t * positions_];
        const float weight = static_cast<float>(w[t]);
        for (std::size_t i = 0; i < positions_; i++) products[i] += weight * v[i];
        for (std::size_t r = 0; r < components_; r++) part.gram[t * components_ + r] += w[t] * w[r];
      }
    }
  }

  double updateH() {
    Part& total = parts_.front();
    std::vector<double> products(total.products.begin(), total.products.end());
    for (std::size_t p = 1; p < parts_.size(); p++) {
      for (std::size_t i = 0; i < products.size(); i++) products[i] += parts_[p].products[i];
      for (std::size_t i = 0; i < total.gram.size(); i++) total.gram[i] += parts_[p].gram[i];
    }
    double violation = 0;
    std::vector<double> gradient(positions_);
    for (std::size_t t = 0; t < components_; t++) {
      checkInterruption();
      for (std::size_t i = 0; i < positions_; i++) gradient[i] = -products[t * positions_ + i];
      for (std::size_t r = 0; r < components_; r++) {
        const double factor = total.gram[t * components_ + r];
        const double* row = &h_[r * positions_];
        for (std::size_t i = 0; i < positions_; i++) gradient[i] += factor * row[i];
      }
      double* row = &h_[t * positions_];
      for (std::size_t i = 0; i < positions_; i++)
        violation += descend(row[i], gradient[i], total.gram[t * components_ + t]);
    }
    return violation;
  }

  std::vector<float> v_;
  std::size_t channels_, positions_, components_;
  std::vector<double> w_;       // [C, n]
  std::vector<double> h_;       // [n, P]
  std::vector<float> rounded_;  // H for the products with V
  std::vector<double> gram_;
  std::vector<Part> parts_;
};

void factorizeImage(const float* activations, bool shift, std::size_t channels, std::size_t positions,
                    std::size_t components, const float* start, float* result) {
  float* offsets = result + components * (positions + channels);
  if (!std::all_of(activations, activations + channels * positions, [](float value) { return std::isfinite(value); })) {
    std::fill(result, offsets + channels, std::numeric_limits<float>::quiet_NaN());
    return;
  }
  std::vector<float> v(channels * positions);
  for (std::size_t k = 0; k < channels; k++) {
    const float* row = activations + k * positions;
    offsets[k] = shift ? *std::min_element(row, row + positions) : 0.0f;
    std::transform(row, row + positions, &v[k * positions],
                   [low = offsets[k], shift](float value) { return shift ? value - low : std::max(value, 0.0f); });
  }
  Factorization factors(std::move(v), channels, positions, components, start);
  factors.run();
  factors.write(result);
}

}  // namespace

std::size_t factorsPerImage(Shape shape, std::size_t components) {
  return components * (shape.positions + shape.channels) + shape.channels;
}

void factorize(const float* activations, Shape shape, bool shift, std::size_t components, const float* start,
               float* result) {
  const std::size_t size = factorsPerImage(shape, components);
  const auto image = [=](std::size_t n) {
    factorizeImage(activations + n * shape.perImage(), shift, shape.channels, shape.positions, components, start,
                   result + n * size);
  };
  // One image has the pool to itself; several have a thread each.
  if (shape.images == 1) return image(0);
  parallelFor(shape.images, 1, [=](std::size_t begin, std::size_t end) {
    for (std::size_t n = begin; n < end; n++) image(n);
  });
}

}  // namespace onnx_cam::kernels
