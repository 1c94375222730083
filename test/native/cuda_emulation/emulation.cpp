#include <cuda_runtime.h>
#include <ucontext.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace cuda_emulation {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;
constexpr unsigned kWarp = 32;

[[noreturn]] void fail(const char* reason) {
  std::fprintf(stderr, "CUDA emulation: %s\n", reason);
  std::abort();
}

/// Where threads wait for one another: `arrived` of the `expected` ones are there.
struct Barrier {
  unsigned arrived = 0;
  unsigned long generation = 0;
};

struct Fibre {
  ucontext_t context{};
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  void* fakeStack = nullptr;
  bool done = false;
  /// What it hands to other lanes.
  unsigned char slot[16] = {};
};

struct Block {
  std::vector<Fibre>* fibres;
  const std::function<void()>* body;
  ucontext_t scheduler{};
  void* schedulerFakeStack = nullptr;
  const void* schedulerStack = nullptr;
  std::size_t schedulerStackBytes = 0;
  unsigned size = 0;
  unsigned alive = 0;
  unsigned current = 0;
  Barrier barrier;
  std::vector<Barrier> warps;
  /// Something happened since the scheduler last looked.
  bool progress = false;
};

thread_local Block* block = nullptr;

void startSwitch([[maybe_unused]] void** fakeStack, [[maybe_unused]] const void* stack,
                 [[maybe_unused]] std::size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(fakeStack, stack, bytes);
#endif
}

void finishSwitch([[maybe_unused]] void* fakeStack, [[maybe_unused]] const void** stack,
                  [[maybe_unused]] std::size_t* bytes) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fakeStack, stack, bytes);
#endif
}

/// Back to the scheduler; returns when the fibre's turn has come again.
void yield() {
  Fibre& fibre = (*block->fibres)[block->current];
  startSwitch(&fibre.fakeStack, block->schedulerStack, block->schedulerStackBytes);
  swapcontext(&fibre.context, &block->scheduler);
  finishSwitch(fibre.fakeStack, nullptr, nullptr);
}

void release(Barrier& barrier) {
  barrier.arrived = 0;
  barrier.generation++;
  block->progress = true;
}

/// Waits until `expected` threads are at the barrier.
void wait(Barrier& barrier, unsigned expected) {
  block->progress = true;
  const unsigned long generation = barrier.generation;
  if (++barrier.arrived == expected) return release(barrier);
  while (barrier.generation == generation) yield();
}

void fibreMain() {
  finishSwitch(nullptr, &block->schedulerStack, &block->schedulerStackBytes);
  (*block->body)();
  Fibre& fibre = (*block->fibres)[block->current];
  fibre.done = true;
  block->alive--;
  block->progress = true;
  if (block->barrier.arrived > 0 && block->barrier.arrived == block->alive) release(block->barrier);
  startSwitch(nullptr, block->schedulerStack, block->schedulerStackBytes);
  swapcontext(&fibre.context, &block->scheduler);
}

void prepare(Fibre& fibre) {
  fibre.done = false;
  fibre.fakeStack = nullptr;
  getcontext(&fibre.context);
  fibre.context.uc_stack.ss_sp = fibre.stack.get();
  fibre.context.uc_stack.ss_size = kStackBytes;
  makecontext(&fibre.context, fibreMain, 0);
}

void runBlock(std::vector<Fibre>& fibres, unsigned size, const std::function<void()>& body) {
  Block own;
  own.fibres = &fibres;
  own.body = &body;
  own.size = own.alive = size;
  own.warps.resize((size + kWarp - 1) / kWarp);
  block = &own;
  for (unsigned i = 0; i < size; i++) prepare(fibres[i]);
  while (own.alive > 0) {
    own.progress = false;
    for (unsigned i = 0; i < size; i++) {
      if (fibres[i].done) continue;
      own.current = i;
      threadIdx = dim3(i);
      startSwitch(&own.schedulerFakeStack, fibres[i].stack.get(), kStackBytes);
      swapcontext(&own.scheduler, &fibres[i].context);
      finishSwitch(own.schedulerFakeStack, nullptr, nullptr);
    }
    if (!own.progress && own.alive > 0) fail("threads wait at barriers that others do not reach");
  }
  block = nullptr;
}

std::atomic<long> living{0};

cudaError_t allocate(void** memory, std::size_t bytes) {
  int& left = settings().allocationsLeft;
  if (left == 0) return cudaErrorMemoryAllocation;
  if (left > 0) left--;
  *memory = std::malloc(bytes);
  if (*memory == nullptr) return cudaErrorMemoryAllocation;
  living++;
  return cudaSuccess;
}

cudaError_t release(void* memory) {
  if (memory != nullptr) living--;
  std::free(memory);
  return cudaSuccess;
}

}  // namespace

Settings& settings() {
  static Settings settings;
  return settings;
}

long livingObjects() { return living; }

void runGrid(dim3 grid, dim3 threads, const std::function<void()>& thread) {
  thread_local std::vector<Fibre> fibres;
  if (threads.y != 1 || threads.z != 1 || grid.y != 1 || grid.z != 1) fail("one dimension is enough for everybody");
  if (threads.x > 1024 || threads.x % kWarp != 0) fail("a block has at most 1024 threads in whole warps");
  if (fibres.size() < threads.x) fibres.resize(threads.x);
  gridDim = grid;
  blockDim = threads;
  for (unsigned i = 0; i < grid.x; i++) {
    blockIdx = dim3(i);
    runBlock(fibres, threads.x, thread);
  }
}

void syncBlock() { wait(block->barrier, block->alive); }

void exchange(const void* value, std::size_t bytes, unsigned mask, void* result) {
  const unsigned own = block->current;
  Fibre& fibre = (*block->fibres)[own];
  if (bytes > sizeof fibre.slot) fail("a shuffled value is too large");
  std::memcpy(fibre.slot, value, bytes);
  Barrier& warp = block->warps[own / kWarp];
  wait(warp, kWarp);
  std::memcpy(result, (*block->fibres)[own ^ mask].slot, bytes);
  wait(warp, kWarp);
}

}  // namespace cuda_emulation

using namespace cuda_emulation;

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = settings().devices > 0 ? 13020 : 0;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device >= settings().devices) return cudaErrorInvalidDevice;
  *properties = {"emulated", std::size_t{1} << 30, 9, 0};
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = settings().devices;
  return *count > 0 ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaSetDevice(int device) { return device < settings().devices ? cudaSuccess : cudaErrorInvalidDevice; }
cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    default:
      return "an emulated error";
  }
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) { return allocate(memory, bytes); }
cudaError_t cudaFree(void* memory) { return release(memory); }
cudaError_t cudaMallocHost(void** memory, std::size_t bytes) { return allocate(memory, bytes); }
cudaError_t cudaFreeHost(void* memory) { return release(memory); }
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t) {
  std::memset(memory, value, bytes);
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return allocate(reinterpret_cast<void**>(stream), 1);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return release(static_cast<void*>(stream)); }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return allocate(reinterpret_cast<void**>(event), 1);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) { return release(static_cast<void*>(event)); }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
