#include "kernels/impute/grid_loops.hpp"

#include <cstddef>
#include <utility>

#include "kernels/base/tier.hpp"

namespace onnx_cam::kernels {
namespace {

#define ONNX_CAM_KERNEL "kernels/impute/grid_loops.inl"
#include "kernels/base/each_tier.inl"

}  // namespace

const GridLoops& gridLoops() { return ONNX_CAM_DISPATCH(loops); }

}  // namespace onnx_cam::kernels
