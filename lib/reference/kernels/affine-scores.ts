import type { AffineTail } from '../../kernels/affine-scores.ts';

/** Twins of native/kernels/reduce/affine_scores.cpp: the changed activations are written out and multiplied. */

export function affineChannelScores(tail: AffineTail, channels: Uint32Array, values: Float32Array): Float64Array {
  return scoresOf(tail, channels.length, (i, k, p) => (k === channels[i] ? values[i]! : activation(tail, k, p)));
}

export function affineSetScores(tail: AffineTail, sets: Uint8Array): Float64Array {
  const channels = tail.activations.dims[1]!;
  return scoresOf(tail, sets.length / channels, (i, k, p) => (sets[i * channels + k] ? activation(tail, k, p) : 0));
}

export function affinePositionScores(tail: AffineTail, neighbours: 'none' | 'spread' | 'kept'): Float64Array {
  const [, , height, width] = tail.activations.dims as [number, number, number, number];
  return scoresOf(tail, height * width, (i, k, p) => {
    const [dy, dx] = [Math.abs(Math.floor(p / width) - Math.floor(i / width)), Math.abs((p % width) - (i % width))];
    if (neighbours === 'none') return p === i ? activation(tail, k, p) : 0;
    if (dy > 1 || dx > 1) return 0;
    return (((2 - dy) * (2 - dx)) / 16) * activation(tail, k, neighbours === 'kept' ? p : i);
  });
}

const activation = ({ activations }: AffineTail, k: number, p: number): number =>
  activations.data[(k * activations.data.length) / activations.dims[1]! + p]!;

/** T(A') = T(A) + Σ G ⊙ (A' − A) for each copy and target. */
function scoresOf(
  tail: AffineTail,
  copies: number,
  changed: (copy: number, channel: number, position: number) => number,
): Float64Array {
  const { slopes, activations, clean } = tail;
  const channels = activations.dims[1]!;
  const positions = activations.data.length / channels;
  const own = slopes.data.length / (clean.length * channels);
  const scores = new Float64Array(copies * clean.length);
  for (let i = 0; i < copies; i++)
    for (let t = 0; t < clean.length; t++) {
      let score = clean[t]!;
      for (let k = 0; k < channels; k++)
        for (let p = 0; p < positions; p++) {
          const slope = slopes.data[(t * channels + k) * own + (own === 1 ? 0 : p)]!;
          score += slope * (changed(i, k, p) - activation(tail, k, p));
        }
      scores[i * clean.length + t] = score;
    }
  return scores;
}
