// The kernels that also exist for GPUs: <kernel>.cu beside <kernel>.cpp, with the same formulas, layouts and edge cases
// (see <kernel>.hpp). Plain C++: callers need no CUDA headers.
//
// Every pointer is device memory unless it says otherwise. Every function only queues work on a stream and returns 0 or
// a cudaError_t. Inputs are float32 or float16, accumulators and results float32 (double where it says so). Equal inputs
// give equal bits in every run. Implemented only where the build found a CUDA compiler (ONNX_CAM_CUDA).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/shape.hpp"
#include "kernels/map/resize.hpp"
#include "kernels/mask/mask_view.hpp"
#include "kernels/reduce/channel_sum.hpp"
#include "kernels/reduce/gradient_weights.hpp"

namespace onnx_cam::kernels::cuda {

/// A cudaStream_t.
using Stream = void*;

enum class Element { float32, float16 };

constexpr std::size_t bytesOf(Element element) { return element == Element::float16 ? 2 : 4; }

/// As `Features`: [images, channels, positions] with `imageStep` elements between images.
struct DeviceFeatures {
  const void* data = nullptr;
  Element element = Element::float32;
  std::size_t imageStep = 0;
};

/// As `Gradients`.
struct DeviceGradients {
  const void* data = nullptr;
  Element element = Element::float32;
  std::size_t imageStep = 0;
  bool lazy = false;
};

int channelMeans(const void* features, Element element, Shape shape, float* means, Stream stream);

int channelSum(Term term, DeviceFeatures activations, DeviceGradients gradients, Shape shape, float* maps,
               Stream stream);

int gradCamPlusPlusWeights(PlusPlusMode mode, DeviceFeatures activations, DeviceGradients gradients, Shape shape,
                           float* weights, Stream stream);
int xgradCamWeights(double epsilon, bool guard, DeviceFeatures activations, DeviceGradients gradients, Shape shape,
                    float* weights, Stream stream);

/// X [C, P] = A · factors, centred per channel with `centre`: the rows of a decomposition. `factors.data` may be null.
int channelRows(const void* activations, Element element, DeviceGradients factors, bool centre, std::size_t channels,
                std::size_t positions, float* rows, Stream stream);
/// K [n, n] double of X [C, P]: Xᵀ X with `byPosition` (n = P), else X Xᵀ (n = C).
int gramMatrix(const float* rows, std::size_t channels, std::size_t positions, bool byPosition, double* gram,
               Stream stream);
/// out [P] double = Σ_k |X[k, i]|, or Σ_k weights[k] · X[k, i] with weights (double, [C]); X of any element type.
int combineRows(const void* rows, Element element, std::size_t channels, std::size_t positions, const double* weights,
                double* out, Stream stream);

int normalizeMaps(const float* maps, std::size_t count, std::size_t positions, float epsilon, bool relu, float* out,
                  Stream stream);

int resizeMaps(const float* maps, std::size_t count, MapSize from, MapSize to, Interpolation interpolation, float* out,
               Stream stream);

/// Masked images of `count` items, see mask_batch.hpp: out [count, …image] in float32 or float16. `stretchings` is
/// scratch memory for `count` of them.
int paintMasks(const MaskView& masks, const MaskedImage& image, std::size_t count, MaskStretching* stretchings,
               Element element, void* out, Stream stream);

/// Rounded to nearest, ties to even.
int floatToHalf(const float* from, std::size_t count, void* to, Stream stream);
int halfToFloat(const void* from, std::size_t count, float* to, Stream stream);

}  // namespace onnx_cam::kernels::cuda
