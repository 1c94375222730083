// Noisy copies of images (Smooth Grad-CAM++).
//
//   out[n,i] = x[n,i] + σ z_i,  z_i standard normal
//
// Every image gets the same noise wherever it stands in a batch. Layout: x [N, P]; images from `noisy` on are fill and are
// copied as they are. Accumulator: double, rounded once. The generator's state goes in and comes out advanced by 2P numbers,
// so that the next copy goes on where this one ended.
// Source: Omeiza et al., arXiv:1908.01224, §III-B.
#pragma once

#include <cstddef>

#include "kernels/mask/random.hpp"

namespace onnx_cam::kernels {

void addNoise(const float* images, std::size_t count, std::size_t size, std::size_t noisy, double sigma, Random& random,
              float* out);

}  // namespace onnx_cam::kernels
