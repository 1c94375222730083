/** What quantises a tensor: q = round(x / step) + zero, in 0…255. */
export interface Quantisation {
  readonly zero: number;
  readonly step: number;
}

/** Quantisations of tensors from their ranges: least and largest value of one after the other. Zero is always exact, as padding is. */
export function quantisations(ranges: ArrayLike<number>): Quantisation[] {
  return Array.from({ length: ranges.length / 2 }, (_, point) => {
    const low = Math.min(0, ranges[2 * point]!);
    const high = Math.max(0, ranges[2 * point + 1]!);
    const zero = Math.round((-low / (high - low || 1)) * 255);
    return { zero, step: Math.max(zero > 0 ? -low / zero : 0, zero < 255 ? high / (255 - zero) : 0) || 1 };
  });
}
