// A small process-wide pool for kernels whose work is worth more than waking a thread.
#pragma once

#include <cstddef>
#include <functional>

namespace onnx_cam::kernels {

/// Threads that one parallelFor may use, the caller's included: the machine's, at most 8, until setKernelThreads.
std::size_t kernelThreads();
void setKernelThreads(std::size_t count);

/// Calls body(begin, end) for consecutive parts of [0, count), on the caller's thread and on pool threads, and returns
/// when all are done. A part is at least `grain` items; with one part, or one thread, everything runs on the caller's
/// thread. Between the parts the caller's interruption (interruption.hpp) is looked at, and bodies on pool threads heed it
/// too. Callers may come from several threads; a call from inside a body runs on its own thread only. What a
/// body throws (the first one, if several do) is thrown here when all parts have ended.
void parallelFor(std::size_t count, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& body);

/// The number of items whose work, at `operations` each, is worth handing to another thread.
std::size_t grainFor(std::size_t operations);

}  // namespace onnx_cam::kernels
