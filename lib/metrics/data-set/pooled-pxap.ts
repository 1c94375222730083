import { IGNORED } from '../support/object.ts';

const STEPS = 1000;
/** [0, 0.001), …, [0.999, 1), and what is 1 or more. */
const BINS = STEPS + 1;

/**
 * How many pixels of the object have values in each of 1,001 bins, and then how many beside it: what PxAP needs of one picture.
 * Values below 0 count in the first bin.
 * @param mask [H, W]: 1 the object, 255 takes no part
 */
export function valueHistograms(data: Float32Array, mask: Uint8Array): Uint32Array {
  const counts = new Uint32Array(2 * BINS);
  for (let i = 0; i < data.length; i++) {
    if (mask[i] === IGNORED) continue;
    counts[binOf(data[i]!) + (mask[i] === 1 ? 0 : BINS)]!++;
  }
  return counts;
}

/** The last bin whose lower edge is not above the value. */
function binOf(value: number): number {
  if (!(value > 0)) return 0;
  if (value >= 1) return STEPS;
  const near = Math.floor(value * STEPS);
  if (near * 0.001 > value) return near - 1;
  return near + 1 < STEPS && (near + 1) * 0.001 <= value ? near + 1 : near;
}

/** Σ precision · (recall − recall before), from the highest bin down; null without a pixel of the object. */
export function averagePrecision(counts: ArrayLike<number>): number | null {
  let objects = 0;
  for (let i = 0; i < BINS; i++) objects += counts[i]!;
  if (objects === 0) return null;
  let found = 0;
  let wrong = 0;
  let sum = 0;
  for (let i = BINS - 1; i >= 0; i--) {
    const gained = counts[i]!;
    found += gained;
    wrong += counts[BINS + i]!;
    if (gained > 0) sum += (found / (found + wrong)) * gained;
  }
  // Divided once: shares of the objects would not add up to 1.
  return sum / objects;
}

/**
 * PxAP over a data set: the average precision of the pooled histograms.
 * @param kept of each picture (`valueHistograms`)
 * @param times how often each picture counts (resampling); once without
 */
export function pooledPxap(kept: readonly ArrayLike<number>[], times?: ArrayLike<number>): number | null {
  const pooled = new Float64Array(2 * BINS);
  for (const [image, counts] of kept.entries()) {
    const weight = times?.[image] ?? 1;
    if (weight !== 0) for (let i = 0; i < pooled.length; i++) pooled[i]! += weight * counts[i]!;
  }
  return averagePrecision(pooled);
}
