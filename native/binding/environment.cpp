#include "binding/environment.hpp"

#include <utility>

#include "binding/task.hpp"

namespace onnx_cam {

namespace {

struct InstanceData {
  std::shared_ptr<Environment> environment;
  Napi::FunctionReference errorFactory;
};

InstanceData& instanceData(Napi::Env env) {
  auto* data = env.GetInstanceData<InstanceData>();
  if (data == nullptr) {
    data = new InstanceData();
    env.SetInstanceData(data);
  }
  return *data;
}

void check(napi_env env, napi_status status, const char* what) {
  if (status != napi_ok) throw Napi::Error::New(env, std::string("Node-API refused to ") + what);
}

}  // namespace

std::shared_ptr<Environment> Environment::of(Napi::Env env) {
  InstanceData& data = instanceData(env);
  if (!data.environment) {
    auto environment = std::make_shared<Environment>();
    environment->open(env);
    data.environment = std::move(environment);
  }
  return data.environment;
}

void Environment::setErrorFactory(Napi::Env env, Napi::Function factory) {
  instanceData(env).errorFactory = Napi::Persistent(factory);
}

Napi::Value Environment::makeError(Napi::Env env, const char* code, const std::string& message) {
  InstanceData& data = instanceData(env);
  if (!data.errorFactory.IsEmpty()) {
    return data.errorFactory.Call({Napi::String::New(env, code), Napi::String::New(env, message)});
  }
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error.Value();
}

void Environment::open(Napi::Env env) {
  env_ = env;
  // A raw thread-safe function: its callback is C, where node-addon-api's plain one wants a JavaScript function.
  napi_value name = Napi::String::New(env, "onnx-cam");
  check(
      env,
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, &onSettled, &channel_),
      "make a thread-safe function");
  check(env, napi_unref_threadsafe_function(env, channel_), "unref a thread-safe function");
  // Hooks run in reverse order: registered after the thread-safe function, this one runs while that still works.
  check(env, napi_add_env_cleanup_hook(env, &onCleanup, this), "add a clean-up hook");
  closeOnExit(env);
}

// process.exit() runs no clean-up hooks: the C library then destroys what ONNX Runtime's threads still use.
void Environment::closeOnExit(Napi::Env env) {
  const auto process = env.Global().Get("process").As<Napi::Object>();
  const auto close = Napi::Function::New(env, [weak = weak_from_this()](const Napi::CallbackInfo&) {
    if (const auto self = weak.lock()) self->close();
  });
  process.Get("once").As<Napi::Function>().Call(process, {Napi::String::New(env, "exit"), close});
}

void Environment::onCleanup(void* self) { static_cast<Environment*>(self)->close(); }

// The environment ends: nothing new may start, and what runs must be over before the buffers it reads go away. May be
// called twice.
void Environment::close() {
  std::unordered_set<std::shared_ptr<Task>> tasks;
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
    tasks.swap(tasks_);
    // Nobody will start these any more. What they hold (sessions) must go now, not while the process exits.
    for (const auto& task : tasks) {
      if (!task->taken) task->drop();
    }
  }
  // Outside the lock, which the tasks' hooks take; the set keeps a task from being destroyed inside its own hook.
  for (const auto& task : tasks) {
    if (task->cancellation()) task->cancellation()->cancel();
  }
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return running_ == 0; });
}

void Environment::add(const std::shared_ptr<Task>& task) {
  {
    std::lock_guard lock(mutex_);
    tasks_.insert(task);
  }
  if (pending_++ == 0) napi_ref_threadsafe_function(env_, channel_);
}

bool Environment::start(const std::shared_ptr<Task>& task) {
  std::lock_guard lock(mutex_);
  if (closing_ || task->taken) return false;
  task->taken = true;
  ++running_;
  return true;
}

void Environment::finished(const std::shared_ptr<Task>& task) {
  std::lock_guard lock(mutex_);
  deliver(task);
  --running_;
  idle_.notify_all();
}

void Environment::settleUntaken(const std::shared_ptr<Task>& task, Failure failure) {
  std::lock_guard lock(mutex_);
  if (closing_ || task->taken) return;
  task->taken = true;
  task->fail(std::move(failure));
  deliver(task);
}

void Environment::release(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    if (!closing_) ++running_;
  }
  if (closing_) return job();
  const auto over = [](Environment& self) {
    std::lock_guard lock(self.mutex_);
    --self.running_;
    self.idle_.notify_all();
  };
  try {
    RunQueue::kernels().post([self = shared_from_this(), job = std::move(job), over]() mutable {
      job();
      job = nullptr;
      over(*self);
    });
  } catch (const std::exception&) {
    over(*this);  // The job is gone, and what it held was released with it, here and now.
  }
}

// Called with the mutex held.
void Environment::deliver(const std::shared_ptr<Task>& task) {
  if (closing_) return;
  tasks_.erase(task);
  auto* handed = new std::shared_ptr<Task>(task);
  if (napi_call_threadsafe_function(channel_, handed, napi_tsfn_nonblocking) != napi_ok) delete handed;
}

// On the JavaScript thread; `env` is null when the environment is being torn down and no JavaScript may run any more.
void Environment::onSettled(napi_env env, napi_value, void* context, void* data) {
  std::unique_ptr<std::shared_ptr<Task>> task(static_cast<std::shared_ptr<Task>*>(data));
  if (env == nullptr) return;
  auto* self = static_cast<Environment*>(context);
  if (--self->pending_ == 0) napi_unref_threadsafe_function(env, self->channel_);
  try {
    (*task)->settle(env);
  } catch (const Napi::Error&) {
    // The environment is being terminated, so that nobody waits for the promise; Node's C code calls this function.
  }
}

}  // namespace onnx_cam
