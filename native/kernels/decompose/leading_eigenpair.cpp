#include "kernels/decompose/leading_eigenpair.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"

namespace onnx_cam::kernels {
namespace {

using Vector = std::vector<double>;

constexpr double kTolerance = 1e-11;
constexpr double kRounding = std::numeric_limits<double>::epsilon();

double dot(const double* a, const double* b, std::size_t count) {
  constexpr std::size_t kWidth = 8;
  double sums[kWidth] = {};
  std::size_t i = 0;
  for (; i + kWidth <= count; i += kWidth) {
    for (std::size_t j = 0; j < kWidth; j++) sums[j] += a[i + j] * b[i + j];
  }
  double sum = 0;
  for (; i < count; i++) sum += a[i] * b[i];
  for (std::size_t j = 0; j < kWidth; j++) sum += sums[j];
  return sum;
}

void addScaled(double* to, const double* from, double factor, std::size_t count) {
  for (std::size_t i = 0; i < count; i++) to[i] += factor * from[i];
}

void scale(Vector& vector, double factor) {
  for (double& value : vector) value *= factor;
}

/// Pseudo-random values in [−1, 1), always the same (xorshift64*).
Vector startVector(std::size_t size) {
  Vector vector(size);
  std::uint64_t state = 0x9e3779b97f4a7c15u;
  for (double& value : vector) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    value = static_cast<double>(static_cast<std::int64_t>(state * 0x2545f4914f6cdd1du)) * 0x1p-63;
  }
  return vector;
}

void multiply(const double* matrix, const double* vector, std::size_t size, double* product) {
  parallelFor(size, grainFor(size), [=](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) product[i] = dot(matrix + i * size, vector, size);
  });
}

/// A symmetric tridiagonal matrix; `below[i]` couples i and i + 1.
struct Tridiagonal {
  Vector diagonal;
  Vector below;

  std::size_t size() const { return diagonal.size(); }

  /// An upper bound of all |eigenvalues| (Gershgorin).
  double bound() const {
    double bound = 0;
    for (std::size_t i = 0; i < size(); i++) {
      const double left = i > 0 ? std::abs(below[i - 1]) : 0, right = i + 1 < size() ? std::abs(below[i]) : 0;
      bound = std::max(bound, std::abs(diagonal[i]) + left + right);
    }
    return bound;
  }

  /// Whether every eigenvalue is below `limit` (Sturm sequence).
  bool isBelow(double limit) const {
    double pivot = 1;
    for (std::size_t i = 0; i < size(); i++) {
      const double coupling = i > 0 ? below[i - 1] * below[i - 1] / pivot : 0;
      pivot = diagonal[i] - limit - coupling;
      if (pivot >= 0) return false;
    }
    return true;
  }

  double largestEigenvalue() const {
    double high = bound() * (1 + 4 * kRounding), low = -high;
    for (;;) {
      const double middle = low + (high - low) / 2;
      const double largest = std::max(std::abs(low), std::abs(high));
      if (middle <= low || middle >= high || high - low <= kRounding * largest) return high;
      (isBelow(middle) ? high : low) = middle;
    }
  }

  /// Solves (T − shift·I) x = x in place, by elimination with row exchanges; pivots of 0 become tiny ones.
  void solveShifted(double shift, Vector& x) const {
    const std::size_t n = size();
    const double tiny = std::max(bound(), 1e-300) * kRounding;
    // Rows of the upper triangle: main, first and second diagonal above.
    Vector main(n), first(n, 0.0), second(n, 0.0);
    for (std::size_t i = 0; i < n; i++) {
      main[i] = diagonal[i] - shift;
      if (i + 1 < n) first[i] = below[i];
    }
    for (std::size_t i = 0; i + 1 < n; i++) {
      double lower = below[i];
      if (std::abs(lower) > std::abs(main[i])) {
        std::swap(main[i], lower);
        std::swap(first[i], main[i + 1]);
        std::swap(second[i], first[i + 1]);
        std::swap(x[i], x[i + 1]);
      } else if (main[i] == 0) {
        main[i] = tiny;
      }
      const double factor = lower / main[i];
      main[i + 1] -= factor * first[i];
      first[i + 1] -= factor * second[i];
      x[i + 1] -= factor * x[i];
    }
    if (main[n - 1] == 0) main[n - 1] = tiny;
    for (std::size_t i = n; i-- > 0;) {
      double value = x[i];
      if (i + 1 < n) value -= first[i] * x[i + 1];
      if (i + 2 < n) value -= second[i] * x[i + 2];
      x[i] = value / main[i];
    }
  }

  Vector eigenvector(double eigenvalue) const {
    Vector x = startVector(size());
    for (int round = 0; round < 3; round++) {
      solveShifted(eigenvalue, x);
      double largest = 0;
      for (const double value : x) largest = std::max(largest, std::abs(value));
      scale(x, 1 / largest);
    }
    scale(x, 1 / std::sqrt(dot(x.data(), x.data(), x.size())));
    return x;
  }
};

}  // namespace

Eigenpair leadingEigenpair(const double* matrix, std::size_t size) {
  std::vector<Vector> basis;
  Tridiagonal projected;
  Vector direction = startVector(size);
  scale(direction, 1 / std::sqrt(dot(direction.data(), direction.data(), size)));
  for (std::size_t nextCheck = 8;;) {
    checkInterruption();
    basis.push_back(direction);
    const Vector& current = basis.back();
    multiply(matrix, current.data(), size, direction.data());
    projected.diagonal.push_back(dot(direction.data(), current.data(), size));
    for (int pass = 0; pass < 2; pass++) {
      for (const Vector& previous : basis) {
        addScaled(direction.data(), previous.data(), -dot(direction.data(), previous.data(), size), size);
      }
    }
    const std::size_t steps = basis.size();
    const double rest = std::sqrt(dot(direction.data(), direction.data(), size));
    const double bound = projected.bound();
    const bool exhausted = steps == size || rest <= 8 * kRounding * bound;
    if (exhausted || steps == nextCheck) {
      const double value = projected.largestEigenvalue();
      const Vector small = projected.eigenvector(value);
      if (exhausted || rest * std::abs(small.back()) <= kTolerance * bound) {
        Eigenpair pair{value, Vector(size, 0.0)};
        for (std::size_t k = 0; k < steps; k++) addScaled(pair.vector.data(), basis[k].data(), small[k], size);
        scale(pair.vector, 1 / std::sqrt(dot(pair.vector.data(), pair.vector.data(), size)));
        return pair;
      }
      nextCheck = steps + steps / 2;
    }
    projected.below.push_back(rest);
    scale(direction, 1 / rest);
  }
}

}  // namespace onnx_cam::kernels
