// Projection of positions on the first principal direction of their channel vectors (Eigen-CAM and relatives).
//
//   X[i,k] = A[n,k,i]  or  G[n,k,i]·A[n,k,i]  or  w[n,k]·A[n,k,i];   centred: X[i,k] −= mean_i X[i,k]
//   X = U Σ Vᵀ,  M = X v₁ = σ₁ u₁
//
// Through the smaller Gram matrix: P ≤ C: X Xᵀ has u₁, and M = √λ₁ u₁; else Xᵀ X has v₁, and M = X v₁.
// Layout: A and G [N, C, P], lazy G or weights [N, C, 1], maps [N, P]. Accumulator: see gram.hpp; means, eigenvector
// and projection in double.
// Sign: a singular vector's sign is arbitrary. `largest`: the entry of largest size is positive (|max| ≥ |min|), which
// makes results repeat from machine to machine; `activation`: Σ_i M[i] · mean_k|A[k,i]| ≥ 0.
// Edge cases: X = 0 (for centred X: all channels constant) gives zeros; equal σ₁ = σ₂ leave the direction open, one is
// taken, the same in every run; anything not finite in an image makes its whole map NaN.
// Sources: arXiv 2008.00299; docs/methods.md#eigen-cam.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "kernels/base/shape.hpp"

namespace onnx_cam::kernels {

enum class SignRule { largest, activation };

/// The map from the Gram matrix [columns, columns] of X: its eigenvector and sign, written to `map` [positions]. Of
/// `byPosition` the matrix is X Xᵀ, else `project(v, M)` must give M = X v. `strength` is Σ_k |A[k, i]|.
void principalMap(const std::vector<double>& gram, std::size_t columns, std::size_t positions, bool byPosition,
                  const std::function<void(const std::vector<double>&, double*)>& project, SignRule sign,
                  const std::vector<double>& strength, float* map);

/// `factors.data` may be null: X = A.
void principalComponent(Features activations, Gradients factors, bool centre, SignRule sign, Shape shape, float* maps);

}  // namespace onnx_cam::kernels
