// Work on a pool thread, as a promise.
#pragma once

#include <napi.h>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/cancellation.hpp"
#include "engine/run_queue.hpp"

namespace onnx_cam {

/// What became of work that threw, as users are told.
struct Failure {
  const char* code;
  std::string message;
};

/// CodedError with its code, what containers throw for want of memory as ERR_OUT_OF_MEMORY, anything else as ERR_RUNTIME.
Failure describe(const std::exception_ptr& error);
[[noreturn]] void throwCoded(Napi::Env env, const std::exception_ptr& error);

struct TaskOptions {
  /// Where the work runs; the queue for kernels when null.
  RunQueue* queue = nullptr;
  /// Ends the task: the promise rejects with ERR_ABORTED at once if the work has not begun, else when it ends (the
  /// work has to watch the cancellation itself to end early).
  std::shared_ptr<Cancellation> cancellation;
};

/// Runs `work` on a thread of a process-wide pool and returns a promise for what `finish` makes of it.
///
/// - `keep`: JavaScript values kept alive until the promise settles (the buffers that `work` reads and writes).
/// - `work`: no JavaScript in here. What it throws rejects the promise, as `describe` has it. Kernels in it end when the
///   cancellation is raised (kernels/base/interruption.hpp). Dropped, with all it holds, on the pool thread after it ran.
/// - `finish`: on the JavaScript thread, after `work`.
///
/// When the environment ends (a worker is terminated), queued work is dropped and running work is waited for.
Napi::Value runTask(Napi::Env env, std::vector<Napi::Object> keep, std::function<void()> work,
                    std::function<Napi::Value(Napi::Env)> finish, TaskOptions options = {});

/// Does `work` on JavaScript's thread; what it throws becomes a JavaScript error with the code that a task's would have.
template <class Work>
auto runHere(Napi::Env env, const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throwCoded(env, std::current_exception());
  }
}

/// Adds `function(info)` to the exports. Nothing that it throws gets into Node's C code.
template <class Function>
void exportFunction(Napi::Env env, Napi::Object exports, const char* name, Function function) {
  exports.Set(name, Napi::Function::New(
                        env,
                        [function](const Napi::CallbackInfo& info) {
                          return runHere(info.Env(), [&] { return function(info); });
                        },
                        name));
}

/// One promise under way. Its state is guarded by its environment.
class Task {
 public:
  Task(Napi::Env env, const std::vector<Napi::Object>& keep, std::function<void()> work,
       std::function<Napi::Value(Napi::Env)> finish, std::shared_ptr<Cancellation> cancellation);

  /// Makes the promise that `settle` settles; call once.
  napi_value promise(Napi::Env env);
  const std::shared_ptr<Cancellation>& cancellation() const { return cancellation_; }

  /// Settles when `cancellation` is raised before a pool thread has taken the task.
  void watch(std::function<void()> onCancel);
  /// Does the work and records how it ended; drops the work.
  void execute();
  void fail(Failure failure) { failure_ = std::move(failure); }
  /// Lets go of work that will never be done.
  void drop() { work_ = nullptr; }
  /// Resolves or rejects the promise and lets the kept values go. JavaScript thread only.
  void settle(Napi::Env env);

  /// A pool thread has it, or it was aborted; guarded by the environment.
  bool taken = false;

 private:
  napi_deferred deferred_ = nullptr;
  std::vector<napi_ref> kept_;
  std::function<void()> work_;
  std::function<Napi::Value(Napi::Env)> finish_;
  std::shared_ptr<Cancellation> cancellation_;
  std::optional<Cancellation::Hook> hook_;
  std::optional<Failure> failure_;
};

}  // namespace onnx_cam
