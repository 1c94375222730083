"""Numbers from a counter and a seed, the same to the last bit in Python and in test/helpers/seeded-weights.ts.

hash   Wellons' lowbias32 of counter * 0x9E3779B1 + seed * 0x85EBCA77, all modulo 2^32
value  float32((hash >> 8) / 2^23 - 1) * scale + offset): uniform on [offset - scale, offset + scale); the product and
       the sum are taken in float64, the result is rounded once to float32
"""
import numpy as np


def hashes(seed: int, count: int, first: int = 0) -> np.ndarray:
    """uint32 [count]"""
    x = np.arange(first, first + count, dtype=np.uint64).astype(np.uint32)
    x = x * np.uint32(0x9E3779B1) + np.uint32(seed * 0x85EBCA77 % 2**32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def uniform(seed: int, count: int, scale: float = 1.0, offset: float = 0.0) -> np.ndarray:
    """float32 [count]"""
    return (((hashes(seed, count) >> np.uint32(8)) / 2.0**23 - 1.0) * scale + offset).astype(np.float32)


def positions(size: int, count: int) -> np.ndarray:
    """Where a tensor of `size` elements is sampled: int64 [count], not necessarily distinct."""
    return (hashes(0, count) % np.uint32(size)).astype(np.int64)
