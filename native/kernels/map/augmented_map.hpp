// Augmented Grad-CAM: the large map that explains what was seen under many mappings of the picture.
//
//   f(M) = Σ_i ‖D T_i M − g_i‖² + λ_tv · (|∂x M|₁ + |∂y M|₁) + λ_e · ‖M‖²      (D T_i: observation.hpp)
//
// ∂ are differences to the next pixel, none at the last one; the derivative of |d| is 0 at d = 0. Adam from M = 0 (β = .9 and
// .999, ε = 1e-8 beside √v̂, as in the paper and PyTorch): a fixed number of steps. All in double: neighbours that differ in
// the twelfth digit after the first step decide the signs of the second. Layout: g [n, h, w], M [H, W], result rounded to
// float. The same numbers for any number of threads. Edge cases: pixels that nothing sees stay 0; no iterations give zeros; a
// NaN spreads to the pixels that it is seen from.
// Source: Morbidelli et al., ICASSP 2020; Kingma and Ba, arXiv:1412.6980.
#pragma once

#include <cstddef>

#include "kernels/map/observation.hpp"

namespace onnx_cam::kernels {

struct AugmentedWeights {
  double totalVariation = 0;
  double energy = 0;
};

class AugmentedObjective {
 public:
  /// `observed` [mappings.count, h, w] must outlive the object.
  AugmentedObjective(const float* observed, const Mappings& mappings, MapSize observedSize, MapSize size,
                     AugmentedWeights weights);

  MapSize size() const { return size_; }
  /// D T_i M − g_i of all items for the map to come.
  void setMap(const double* map);
  /// The derivative by row y of the map that was set; `out` has room for a row.
  void gradientOfRow(std::size_t y, double* out) const;

 private:
  const float* observed_;
  MapSize size_;
  AugmentedWeights weights_;
  SparseRows matrix_, transposed_;
  const double* map_ = nullptr;
  std::vector<double> rests_;
};

struct AdamOptions {
  std::size_t iterations = 0;
  double rate = 0;
};

/// `out` [H, W].
void minimize(AugmentedObjective& objective, const AdamOptions& options, float* out);

}  // namespace onnx_cam::kernels
