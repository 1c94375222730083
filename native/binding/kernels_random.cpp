// Bindings of the kernels that draw random numbers.
#include <cmath>

#include "binding/kernel_call.hpp"
#include "binding/registry.hpp"
#include "kernels/mask/add_noise.hpp"
#include "kernels/mask/random_grids.hpp"

namespace onnx_cam {
namespace {

// (images, count, size, noisy, sigma, state [4]) → [count · size]; the state is advanced
Napi::Value addNoise(KernelCall& call) {
  const std::size_t count = call.size(1), size = call.size(2), noisy = call.size(3);
  if (noisy > count) call.fail("ERR_INPUT_SHAPE", "there are not so many images");
  const float* images = call.floats(0, call.product({count, size}));
  const double sigma = call.number(4);
  std::uint32_t* state = call.wordsFor(5, 4);
  Napi::Float32Array result = call.newFloats(count * size);
  float* out = result.Data();
  return call.run(100 * size + count * size, result, [=] {
    Random random(state);
    kernels::addNoise(images, count, size, noisy, sigma, random, out);
    random.copyState(state);
  });
}

// (seed, count) → |N(0, 1)| [count]
Napi::Value normalMagnitudes(KernelCall& call) {
  const std::uint32_t seed = call.seed(0);
  const std::size_t count = call.size(1);
  Napi::Float32Array result = call.newFloats(count);
  float* out = result.Data();
  return call.run(100 * count, result, [=] {
    Random random(seed);
    for (std::size_t i = 0; i < count; i++) out[i] = static_cast<float>(std::abs(random.normal()));
  });
}

// (seed, masks, cells of a mask, cell height, cell width, p) → [masks · cells], offsets [masks · 2] into argument 6
Napi::Value randomGrids(KernelCall& call) {
  const Random random(call.seed(0));
  const std::size_t masks = call.size(1);
  const kernels::GridCells cells{call.size(2), call.size(3), call.size(4)};
  const double p = call.number(5);
  std::uint32_t* offsets = call.wordsFor(6, call.product({2, masks}));
  const std::size_t size = call.product({masks, cells.count});
  Napi::Float32Array grids = call.newFloats(size);
  float* out = grids.Data();
  return call.run(10 * size, grids, [=] { kernels::randomGrids(random, masks, cells, p, out, offsets); });
}

}  // namespace

void registerRandomKernels(Napi::Env env, Napi::Object exports) {
  exportKernel(env, exports, "addNoise", addNoise);
  exportKernel(env, exports, "normalMagnitudes", normalMagnitudes);
  exportKernel(env, exports, "randomGrids", randomGrids);
}

}  // namespace onnx_cam
