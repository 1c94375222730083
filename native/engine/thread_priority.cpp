#include "engine/thread_priority.hpp"

#ifdef __linux__
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#endif

namespace onnx_cam {

#ifdef __linux__
namespace {

// Of the 40 steps between -20 and 19; each is about a fifth of the share of a core that is fought for.
constexpr int kStepsBelow = 5;

}  // namespace

void yieldToEventLoop() {
  const auto self = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, self, std::min(getpriority(PRIO_PROCESS, self) + kStepsBelow, 19));
  const sched_param none{};
  sched_setscheduler(0, SCHED_BATCH, &none);
}
#else
void yieldToEventLoop() {}
#endif

}  // namespace onnx_cam
