// Bindings of the decompositions.
#include <algorithm>

#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/decompose/factorize.hpp"
#include "kernels/decompose/kernel_pca.hpp"
#include "kernels/decompose/principal_component.hpp"

namespace onnx_cam {
namespace {

using kernels::Features;
using kernels::Gradients;
using kernels::Shape;

// A Gram matrix costs its side squared times the other side, in registers of eight; then some dozens of products of the
// matrix with a vector.
double decompositionWork(Shape shape, std::size_t side) {
  const double rows = static_cast<double>(shape.perImage() / side), length = static_cast<double>(side);
  return static_cast<double>(shape.images) * (length * length * (rows / 8 + 32)) +
         2.0 * static_cast<double>(shape.size());
}

// (centre, sign, images, channels, positions, activations, images, factors | null, images, lazy) → [images · positions]
Napi::Value principalComponent(KernelCall& call) {
  const bool centre = call.flag(0);
  const auto sign = static_cast<kernels::SignRule>(call.choice(1, {"largest", "activation"}));
  const Shape shape = call.shape(2);
  const Features activations = call.features(5, shape);
  const Gradients factors = call.isNull(7) ? Gradients{} : call.gradients(7, shape);
  Napi::Float32Array maps = call.newFloats(shape.images * shape.positions);
  float* out = maps.Data();
  return call.run(decompositionWork(shape, std::min(shape.channels, shape.positions)), maps,
                  [=] { kernels::principalComponent(activations, factors, centre, sign, shape, out); });
}

// (kernel, gamma, activations, images, channels, positions) → [images · positions]
Napi::Value kernelPca(KernelCall& call) {
  const auto kernel = static_cast<kernels::PcaKernel>(call.choice(0, {"linear", "sigmoid", "rbf", "poly", "cosine"}));
  const double gamma = call.number(1);
  const Shape shape = call.shape(3);
  const float* activations = call.floats(2, shape.size());
  Napi::Float32Array maps = call.newFloats(shape.images * shape.positions);
  float* out = maps.Data();
  return call.run(decompositionWork(shape, shape.positions), maps,
                  [=] { kernels::kernelPca(kernel, gamma, activations, shape, out); });
}

// (shift, components, start, activations, images, channels, positions) → [images · (n·positions + n·channels + channels)]
Napi::Value factorize(KernelCall& call) {
  const bool shift = call.flag(0);
  const std::size_t components = call.size(1);
  const Shape shape = call.shape(4);
  const float* activations = call.floats(3, shape.size());
  const float* start = call.floats(2, call.product({components, shape.channels + shape.positions}));
  Napi::Float32Array factors =
      call.newFloats(call.product({shape.images, kernels::factorsPerImage(shape, components)}));
  float* out = factors.Data();
  // Some dozens of iterations at least, with two products each.
  return call.run(100.0 * static_cast<double>(components) * static_cast<double>(shape.size()), factors,
                  [=] { kernels::factorize(activations, shape, shift, components, start, out); });
}

}  // namespace

void registerDecomposeKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "principalComponent", principalComponent);
  exportKernel(env, exports, "kernelPca", kernelPca);
  exportKernel(env, exports, "factorize", factorize);
}

}  // namespace onnx_cam
