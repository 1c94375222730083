#include "kernels/base/interruption.hpp"

namespace onnx_cam::kernels {
namespace {

thread_local const std::atomic<bool>* currentFlag = nullptr;

}  // namespace

InterruptionScope::InterruptionScope(const std::atomic<bool>* flag) noexcept : previous_(currentFlag) {
  currentFlag = flag;
}

InterruptionScope::~InterruptionScope() { currentFlag = previous_; }

const std::atomic<bool>* interruptionFlag() noexcept { return currentFlag; }

void checkInterruption() {
  if (currentFlag != nullptr && currentFlag->load(std::memory_order_relaxed)) throw Interrupted();
}

}  // namespace onnx_cam::kernels
