#include "engine/thread_priority.hpp"

#ifdef __linux__
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#endif

namespace onnx_cam {

#ifdef __linux__
namespace {

// The usual turn is 0.7 to 2.8 ms, by the number of cores. Much longer ones hold up whoever waits for a lock that a thread
// of ours was taken off the core with.
constexpr std::uint64_t kTurnNanoseconds = 4'000'000;

/// The kernel's sched_attr in its first version; older C libraries have no declaration of it, newer ones their own.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

}  // namespace

void yieldToEventLoop() {
  const auto self = static_cast<id_t>(syscall(SYS_gettid));
  SchedulingAttributes attributes;
  attributes.policy = SCHED_BATCH;
  // As it is: a lower priority would hand the cores to whatever else runs, the decoder of the next picture first.
  attributes.nice = getpriority(PRIO_PROCESS, self);
  attributes.runtime = kTurnNanoseconds;
  syscall(SYS_sched_setattr, self, &attributes, 0U);
}
#else
void yieldToEventLoop() {}
#endif

}  // namespace onnx_cam
