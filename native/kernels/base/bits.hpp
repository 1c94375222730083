// std::bit_cast, which the library of g++ 10 (Debian 11) lacks.
#pragma once

#include <cstring>
#include <type_traits>

namespace onnx_cam::kernels {

/// The bits of `from` read as another type of the same size.
template <typename To, typename From>
inline To bitCast(const From& from) {
  static_assert(sizeof(To) == sizeof(From) && std::is_trivially_copyable_v<To> && std::is_trivially_copyable_v<From>);
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

}  // namespace onnx_cam::kernels
