// How JavaScript holds a session, and how other families of bindings get at it.
#pragma once

#include <napi.h>

#include <memory>

#include "engine/session.hpp"

namespace onnx_cam {

/// A new handle; when it is collected, the session is released on a pool thread.
Napi::Value makeSessionHandle(Napi::Env env, std::shared_ptr<Session> session);

/// The session of a handle. Throws ERR_DISPOSED (as a JavaScript exception) after `takeSession`.
std::shared_ptr<Session> sessionOf(Napi::Value handle);

/// Disposes the handle: the session lives on in the runs that hold it. Null when that was done before.
std::shared_ptr<Session> takeSession(Napi::Value handle);

}  // namespace onnx_cam
