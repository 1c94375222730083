#include "binding/session_handle.hpp"

#include <utility>

#include "binding/environment.hpp"

namespace onnx_cam {

namespace {

struct Handle {
  std::shared_ptr<Session> session;
  std::shared_ptr<Environment> environment;
};

Handle& handleOf(Napi::Value value) {
  if (!value.IsExternal()) throw Napi::TypeError::New(value.Env(), "expected a session handle");
  return *value.As<Napi::External<Handle>>().Data();
}

}  // namespace

Napi::Value makeSessionHandle(Napi::Env env, std::shared_ptr<Session> session) {
  auto handle = std::make_unique<Handle>(Handle{std::move(session), Environment::of(env)});
  auto external = Napi::External<Handle>::New(env, handle.get(), [](Napi::Env, Handle* handle) {
    if (handle->session) {
      handle->environment->release([session = std::move(handle->session)]() mutable { session.reset(); });
    }
    delete handle;
  });
  handle.release();
  return external;
}

std::shared_ptr<Session> sessionOf(Napi::Value handle) {
  auto session = handleOf(handle).session;
  if (!session) {
    const Napi::Env env = handle.Env();
    Napi::Value error =
        Environment::makeError(env, "ERR_DISPOSED", "the session was disposed; create a new one to run the model");
    throw Napi::Error(env, error);
  }
  return session;
}

std::shared_ptr<Session> takeSession(Napi::Value handle) { return std::move(handleOf(handle).session); }

}  // namespace onnx_cam
