import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FeatureMaps } from '../kernels/features.ts';
import type { TailRequest } from './tail-request.ts';

/** Additions between two turns of the event loop. */
const SLICE = 1 << 20;

/**
 * Scores of changed activations where the score is an affine function of them, T(A) = b + Σ G ⊙ A: no run is needed.
 * @param slopes G of each target, [T, C, h, w] or lazy [T, C, 1, 1]
 * @param clean T(A) of each target
 * @returns [items, targets]
 */
export async function affineScores(
  slopes: FeatureMaps,
  activations: FeatureMaps,
  clean: Float64Array,
  request: TailRequest,
): Promise<Float64Array> {
  const [, channels, height, width] = activations.dims as [number, number, number, number];
  const area = height * width;
  const lazy = slopes.data.length === clean.length * channels;
  const slopeAt = (t: number, k: number, p: number) =>
    slopes.data[lazy ? t * channels + k : (t * channels + k) * area + p]!;
  const { data } = activations;
  const targets = clean.length;
  /** What channel k gives to the score of target t. */
  const shares = new Float64Array(targets * channels);
  for (let t = 0; t < targets; t++)
    for (let k = 0; k < channels; k++)
      for (let p = 0; p < area; p++) shares[t * channels + k]! += slopeAt(t, k, p) * data[k * area + p]!;

  if (request.kind === 'channels')
    return fill(request.channels.length, targets, area, (i, t) => {
      const k = request.channels[i]!;
      const value = request.values[i]!;
      let filled = 0;
      if (value !== 0) for (let p = 0; p < area; p++) filled += slopeAt(t, k, p) * value;
      return clean[t]! - shares[t * channels + k]! + filled;
    });
  const offsets = clean.map((score, t) =>
    shares.subarray(t * channels, (t + 1) * channels).reduce((rest, share) => rest - share, score),
  );
  if (request.kind === 'sets')
    return fill(request.sets.length / channels, targets, channels, (i, t) => {
      let sum = offsets[t]!;
      for (let k = 0; k < channels; k++) if (request.sets[i * channels + k]) sum += shares[t * channels + k]!;
      return sum;
    });
  const kept = request.kind === 'neighbourhoods';
  const reach = kept || request.gaussian ? 1 : 0;
  return fill(area, targets, channels * (2 * reach + 1) ** 2, (position, t) => {
    const y = Math.floor(position / width);
    const x = position % width;
    let sum = offsets[t]!;
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++) {
        if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) continue;
        const weight = reach > 0 ? ((2 - Math.abs(dy)) * (2 - Math.abs(dx))) / 16 : 1;
        const at = position + dy * width + dx;
        for (let k = 0; k < channels; k++) sum += weight * slopeAt(t, k, at) * data[k * area + (kept ? at : position)]!;
      }
    return sum;
  });
}

/** `cost` additions an item: the event loop gets its turn in between. */
async function fill(
  items: number,
  targets: number,
  cost: number,
  scoreOf: (item: number, target: number) => number,
): Promise<Float64Array> {
  const scores = new Float64Array(items * targets);
  const slice = Math.ceil(SLICE / (cost * targets));
  for (let i = 0; i < items; i++) {
    if (i > 0 && i % slice === 0) await nextTurn();
    for (let t = 0; t < targets; t++) scores[i * targets + t] = scoreOf(i, t);
  }
  return scores;
}
