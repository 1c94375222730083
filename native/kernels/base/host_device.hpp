// Marks functions that the CPU's loops and the GPU's kernels share: what tests of the one show about a formula holds for
// the other.
#pragma once

#ifdef __CUDACC__
#define ONNX_CAM_HD __host__ __device__
#else
#define ONNX_CAM_HD
#endif
