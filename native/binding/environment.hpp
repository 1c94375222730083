// What the addon keeps per Node environment (the main thread and every worker have their own): the channel on which
// pool threads hand results back, and the tasks that are under way.
#pragma once

#include <napi.h>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

namespace onnx_cam {

class Task;
struct Failure;

class Environment : public std::enable_shared_from_this<Environment> {
 public:
  /// The state of this environment, made on first use. JavaScript thread only.
  static std::shared_ptr<Environment> of(Napi::Env env);

  /// Makes an `Error` with `code`: an OnnxCamError once lib/engine/addon.ts has handed in its factory.
  static Napi::Value makeError(Napi::Env env, const char* code, const std::string& message);
  static void setErrorFactory(Napi::Env env, Napi::Function factory);

  /// Announces a task; keeps the process alive until it is settled. JavaScript thread only.
  void add(const std::shared_ptr<Task>& task);
  /// A pool thread takes the task; false when it was aborted or the environment ends.
  bool start(const std::shared_ptr<Task>& task);
  /// The task that a pool thread took is done.
  void finished(const std::shared_ptr<Task>& task);
  /// Rejects a task that nobody has taken; does nothing when a pool thread has it.
  void settleUntaken(const std::shared_ptr<Task>& task, Failure failure);

  /// Does `job` on a pool thread, or here and now when the environment ends: whatever frees a library's objects must
  /// be over before the process unloads it. JavaScript thread only; for finalisers.
  void release(std::function<void()> job);

  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  static void onSettled(napi_env env, napi_value callback, void* context, void* data);
  static void onCleanup(void* self);

  void open(Napi::Env env);
  void closeOnExit(Napi::Env env);
  void close();
  void deliver(const std::shared_ptr<Task>& task);

  napi_env env_ = nullptr;
  napi_threadsafe_function channel_ = nullptr;
  std::size_t pending_ = 0;  // JavaScript thread only.

  std::mutex mutex_;  // Guards what follows.
  std::condition_variable idle_;
  std::unordered_set<std::shared_ptr<Task>> tasks_;
  std::size_t running_ = 0;
  bool closing_ = false;
};

}  // namespace onnx_cam
