#include "binding/task.hpp"

#include <exception>
#include <utility>

#include "binding/environment.hpp"
#include "binding/registry.hpp"
#include "kernels/base/interruption.hpp"
#include "runtime/error.hpp"

namespace onnx_cam {

namespace {

Failure aborted() { return {"ERR_ABORTED", "the operation was aborted"}; }

Napi::Value errorOf(Napi::Env env, const Failure& failure) {
  return Environment::makeError(env, failure.code, failure.message);
}

}  // namespace

Failure describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const CodedError& coded) {
    return {coded.code(), coded.what()};
  } catch (const std::exception& other) {
    if (!isOutOfMemory(other)) return {"ERR_RUNTIME", other.what()};
    return {"ERR_OUT_OF_MEMORY",
            "there is not enough memory for this operation; use smaller batches or fewer runs at once"};
  } catch (...) {
    return {"ERR_RUNTIME", "native code failed without a reason"};
  }
}

void throwCoded(Napi::Env env, const std::exception_ptr& error) {
  throw Napi::Error(env, errorOf(env, describe(error)));
}

Task::Task(Napi::Env env, const std::vector<Napi::Object>& keep, std::function<void()> work,
           std::function<Napi::Value(Napi::Env)> finish, std::shared_ptr<Cancellation> cancellation)
    : work_(std::move(work)), finish_(std::move(finish)), cancellation_(std::move(cancellation)) {
  kept_.reserve(keep.size());
  for (const Napi::Object& value : keep) {
    napi_ref reference = nullptr;
    if (napi_create_reference(env, value, 1, &reference) == napi_ok) kept_.push_back(reference);
  }
}

napi_value Task::promise(Napi::Env env) {
  napi_value promise = nullptr;
  if (napi_create_promise(env, &deferred_, &promise) != napi_ok) {
    throw Napi::Error::New(env, "Node-API refused to make a promise");
  }
  return promise;
}

void Task::watch(std::function<void()> onCancel) {
  if (cancellation_) hook_.emplace(*cancellation_, std::move(onCancel));
}

void Task::execute() {
  const kernels::InterruptionScope scope(cancellation_ ? &cancellation_->flag() : nullptr);
  try {
    work_();
  } catch (...) {
    failure_ = describe(std::current_exception());
  }
  // The flag decides, not the error: a run that was told to end reports that in words that may change.
  if (cancellation_ && cancellation_->cancelled()) fail(aborted());
  work_ = nullptr;
}

void Task::settle(Napi::Env env) {
  Napi::HandleScope scope(env);
  hook_.reset();
  napi_value result = nullptr;
  bool failed = failure_.has_value();
  try {
    result = runHere(env, [&]() -> Napi::Value { return failed ? errorOf(env, *failure_) : finish_(env); });
  } catch (const Napi::Error& error) {
    failed = true;
    result = error.Value();
  }
  for (napi_ref reference : kept_) napi_delete_reference(env, reference);
  kept_.clear();
  finish_ = nullptr;
  if (failed) {
    napi_reject_deferred(env, deferred_, result);
  } else {
    napi_resolve_deferred(env, deferred_, result);
  }
}

Napi::Value runTask(Napi::Env env, std::vector<Napi::Object> keep, std::function<void()> work,
                    std::function<Napi::Value(Napi::Env)> finish, TaskOptions options) {
  auto task = std::make_shared<Task>(env, keep, std::move(work), std::move(finish), options.cancellation);
  Napi::Value promise(env, task->promise(env));
  auto environment = Environment::of(env);
  environment->add(task);
  task->watch([environment, weak = std::weak_ptr(task)] {
    if (auto task = weak.lock()) environment->settleUntaken(task, aborted());
  });
  RunQueue& queue = options.queue ? *options.queue : RunQueue::kernels();
  try {
    queue.post([environment, task] {
      if (!environment->start(task)) return;
      task->execute();
      environment->finished(task);
    });
  } catch (...) {
    environment->settleUntaken(task, describe(std::current_exception()));
  }
  return promise;
}

// setErrorFactory((code, message) => Error): makes every native error one of lib/common/errors.ts.
void registerTask(Napi::Env env, Napi::Object exports) {
  exportFunction(env, exports, "setErrorFactory", [](const Napi::CallbackInfo& info) {
    Environment::setErrorFactory(info.Env(), info[0].As<Napi::Function>());
  });
}

}  // namespace onnx_cam
