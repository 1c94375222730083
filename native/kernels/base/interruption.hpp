// Ending a kernel early. Whoever runs one names a flag for the thread; the kernel looks at it between pieces of work of a
// few milliseconds at most, and so does parallelFor (parallel.hpp) between the parts of a loop, on all its threads.
#pragma once

#include <atomic>
#include <exception>

namespace onnx_cam::kernels {

/// Leaves a kernel whose flag was raised; its results mean nothing then. Who raised the flag knows why.
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "a kernel was told to end"; }
};

/// Kernels on this thread heed `flag` (null for none) as long as the object lives; the one before comes back after it.
class InterruptionScope {
 public:
  explicit InterruptionScope(const std::atomic<bool>* flag) noexcept;
  ~InterruptionScope();
  InterruptionScope(const InterruptionScope&) = delete;
  InterruptionScope& operator=(const InterruptionScope&) = delete;

 private:
  const std::atomic<bool>* previous_;
};

/// The flag of this thread; null where nobody named one.
const std::atomic<bool>* interruptionFlag() noexcept;

/// Throws Interrupted when the thread's flag was raised. Costs a few nanoseconds.
void checkInterruption();

}  // namespace onnx_cam::kernels
