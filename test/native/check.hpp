// The whole test framework: CHECK reports a false condition, and the program's exit status tells.
#pragma once

#include <cstdio>
#include <exception>

namespace onnx_cam::test {

inline int failures = 0;

inline void check(bool condition, const char* text, const char* file, int line) {
  if (condition) return;
  ++failures;
  std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, text);
}

/// What `main` returns.
inline int result() {
  if (failures > 0) std::fprintf(stderr, "%d checks failed\n", failures);
  return failures > 0 ? 1 : 0;
}

}  // namespace onnx_cam::test

#define CHECK(condition) ::onnx_cam::test::check(static_cast<bool>(condition), #condition, __FILE__, __LINE__)

/// The expression must throw `type` for which `predicate(error)` holds.
#define CHECK_THROWS(expression, type, predicate)                                      \
  do {                                                                                 \
    bool thrown = false;                                                               \
    try {                                                                              \
      (void)(expression);                                                              \
    } catch (const type& error) {                                                      \
      thrown = (predicate)(error);                                                     \
      if (!thrown) std::fprintf(stderr, "unexpected error: %s\n", error.what());       \
    }                                                                                  \
    ::onnx_cam::test::check(thrown, #expression " throws " #type, __FILE__, __LINE__); \
  } while (false)
