// IEEE 754 half precision: three digits, two bytes. Browsers have Float16Array since 2025 only, Node 20 not.

const scratch = new Float32Array(1);
const bits = new Uint32Array(scratch.buffer);

const LARGEST = 65504;

/** Rounded to the nearest, ties to even; what is too large becomes the largest there is, 65504. @param values finite */
export function toHalf(values: ArrayLike<number>): Uint16Array {
  return Uint16Array.from(values, value => {
    const sign = value < 0 ? 0x8000 : 0;
    const magnitude = Math.min(Math.abs(value), LARGEST);
    // Below the smallest normal number the steps are all 2^-24.
    if (magnitude < 2 ** -14) return sign | roundEven(magnitude * 2 ** 24);
    scratch[0] = magnitude;
    const float = bits[0]!;
    return sign | (((float + 0xfff + ((float >>> 13) & 1)) >>> 13) - (112 << 10));
  });
}

export function fromHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, half => {
    const exponent = (half >>> 10) & 31;
    const fraction = half & 1023;
    const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    return half & 0x8000 ? -magnitude : magnitude;
  });
}

function roundEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
}
