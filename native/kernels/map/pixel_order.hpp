// The pixels of a map from its largest value to its smallest.
//
//   order = stable argsort of −m:  m[order[i]] ≥ m[order[i + 1]], equal values (−0 and 0 are equal) by ascending number
//
// Layout: m [P] → order [P]. Exact: keys are the values' bits, no arithmetic. A radix sort in three passes of 11 bits; a pass
// whose digit is the same everywhere is left out, so that maps of few values cost less. Infinities have their place; with a
// NaN there is no order, nothing is written.
// No SIMD tiers: bound by scattered writes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace onnx_cam::kernels {

/// False when the map holds a NaN. `count` < 2^32.
bool pixelOrder(const float* map, std::size_t count, std::uint32_t* order);

}  // namespace onnx_cam::kernels
