/** A tensor that is quantised. */
export interface Point {
  readonly tensor: string;
  /** How many of its channels (axis 1) have a step of their own; 1: all values share one. */
  readonly channels: number;
}

/** What quantises a point: q = round(x / steps[c]) + zero, in 0…255. */
export interface Quantisation {
  readonly zero: number;
  /** [channels] */
  readonly steps: Float32Array;
  /** The largest of them, which the graph says; the weights before and behind make up for the rest. */
  readonly step: number;
}

/** Numbers that say the ranges of points: the least values, then the largest, point after point. */
export const rangeCount = (points: readonly Point[]): number =>
  points.reduce((sum, { channels }) => sum + 2 * channels, 0);

/** Quantisations of points from their ranges. Zero is always exact, as padding is. */
export function quantisations(points: readonly Point[], ranges: ArrayLike<number>): Quantisation[] {
  let at = 0;
  return points.map(({ channels }) => {
    const low = Float64Array.from({ length: channels }, (_, c) => Math.min(0, ranges[at + c]!));
    const high = Float64Array.from({ length: channels }, (_, c) => Math.max(0, ranges[at + channels + c]!));
    at += 2 * channels;
    const [least, most] = [low.reduce((a, b) => Math.min(a, b)), high.reduce((a, b) => Math.max(a, b))];
    const zero = Math.round((-least / (most - least || 1)) * 255);
    const steps = Float32Array.from(low, (value, c) =>
      Math.max(zero > 0 ? -value / zero : 0, zero < 255 ? high[c]! / (255 - zero) : 0),
    );
    const step = steps.reduce((a, b) => Math.max(a, b)) || 1;
    // A channel without values takes the step of the others; tiny ones would ask for weights without bound.
    return { zero, steps: steps.map(own => (own === 0 ? step : Math.max(own, step / LARGEST_RATIO))), step };
  });
}

const LARGEST_RATIO = 256;
