import type { AttentionRoll, HeadMatrices, Patches } from '../../kernels/attention.ts';

/** Twins of native/kernels/reduce/attention.cpp. */

export function rollAttention(row: Float64Array, matrices: HeadMatrices, roll: AttentionRoll): Float64Array {
  const { tokens } = matrices;
  const fused = fuseHeads(matrices, roll.fuse);
  discardLowest(fused, roll.discard, roll.keepFirst);
  const result = roll.step === 'sum' ? row.slice() : new Float64Array(tokens);
  for (let i = 0; i < tokens; i++) {
    const from = fused.subarray(i * tokens, (i + 1) * tokens);
    const sum = from.reduce((total, value) => total + value, 1);
    const factor = roll.step === 'normalized' ? row[i]! / sum : row[i]!;
    if (row[i] === 0) continue;
    for (let j = 0; j < tokens; j++)
      result[j]! += factor * ((roll.step === 'normalized' && i === j ? 1 : 0) + from[j]!);
  }
  return result;
}

function fuseHeads({ heads, tokens, attention, gradients }: HeadMatrices, fuse: AttentionRoll['fuse']): Float32Array {
  const size = tokens * tokens;
  return Float32Array.from({ length: size }, (_, i) => {
    const values = Array.from({ length: heads }, (_, h) => {
      const value = attention[h * size + i]! * (gradients ? gradients[h * size + i]! : 1);
      return fuse === 'positive-mean' ? Math.max(value, 0) : value;
    });
    const fused =
      fuse === 'max' || fuse === 'min' ? Math[fuse](...values) : values.reduce((sum, value) => sum + value, 0) / heads;
    return gradients ? Math.max(fused, 0) : fused;
  });
}

/** Sets the ⌊ratio·n⌋ lowest of the values to zero, of equal ones the first; NaN is never the lowest. */
function discardLowest(values: Float32Array, ratio: number, keepFirst: boolean): void {
  const order = Array.from(values, (_, i) => i).filter(i => !Number.isNaN(values[i]!));
  order.sort((a, b) => values[a]! - values[b]! || a - b);
  for (const i of order.slice(0, Math.floor(values.length * ratio))) if (!(keepFirst && i === 0)) values[i] = 0;
}

export function positiveRows(gradients: Float32Array, keys: number, { prefix, count }: Patches): Float64Array {
  const sums = new Float64Array(count);
  for (let row = 0; row < gradients.length; row += keys)
    for (let p = 0; p < count; p++) sums[p]! += Math.max(gradients[row + prefix + p]!, 0);
  return sums;
}

export function attentionGradCam(
  attention: Float32Array,
  gradients: Float32Array,
  [heads, queries, keys]: readonly [heads: number, queries: number, keys: number],
  rows: number,
  { prefix, count }: Patches,
): Float32Array {
  const meanRow = (values: Float32Array, head: number) =>
    Float64Array.from({ length: count }, (_, p) => {
      let sum = 0;
      for (let q = 0; q < rows; q++) sum += values[(head * queries + q) * keys + prefix + p]!;
      return sum / rows;
    });
  const map = new Float64Array(count);
  for (let h = 0; h < heads; h++) {
    const weight = meanRow(gradients, h).reduce((sum, value) => sum + value, 0) / count;
    meanRow(attention, h).forEach((value, p) => {
      map[p]! += (weight * value) / heads;
    });
  }
  return Float32Array.from(map);
}
