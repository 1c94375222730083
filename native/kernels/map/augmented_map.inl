/// Adds λ · the derivative of the total variation and 2 λ_e · M to a row of the gradient. `above` and `below` are the row
/// itself where there is no other. `signs` has room for a row.
static void addPenalties(const double* __restrict row, const double* above, const double* below, std::size_t width,
                         double totalVariation, double energy, double* __restrict signs, double* __restrict gradient) {
  const auto sign = [](double a, double b) { return (a > b ? 1.0 : 0.0) - (a < b ? 1.0 : 0.0); };
  for (std::size_t x = 0; x < width; x++) signs[x] = sign(row[x], above[x]) + sign(row[x], below[x]);
  for (std::size_t x = 1; x < width; x++) signs[x] += sign(row[x], row[x - 1]);
  for (std::size_t x = 1; x < width; x++) signs[x - 1] += sign(row[x - 1], row[x]);
  for (std::size_t x = 0; x < width; x++) gradient[x] += totalVariation * signs[x] + 2 * energy * row[x];
}

/// One step of Adam; `scale` is 1/√(1 − β₂ᵗ), `rate` the learning rate over 1 − β₁ᵗ.
static void adamStep(const double* __restrict gradient, std::size_t count, double rate, double scale,
                     double* __restrict first, double* __restrict second, const double* __restrict from,
                     double* __restrict to) {
  for (std::size_t i = 0; i < count; i++) {
    const double g = gradient[i];
    first[i] += (1 - kBeta1) * (g - first[i]);
    second[i] = kBeta2 * second[i] + (1 - kBeta2) * g * g;
    to[i] = from[i] - rate * first[i] / (__builtin_sqrt(second[i]) * scale + kEpsilon);
  }
}
