import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FeatureMaps } from '../../kernels/features.ts';
import type { Maps } from '../../kernels/types.ts';
import type { LayerTensors } from '../definition.ts';

/**
 * Attention of several blocks multiplied up, of which only what the class token gathers is needed: a row vector is taken
 * from the last block back to the first, so that no product of two matrices [tokens, tokens] is ever made. Loops give the
 * event loop its turn after every block.
 */

/** Attention [tokens, tokens] of one block and one result, heads fused. */
export type FusedAttention = Float32Array;

/** How the matrices of the heads become one. */
export type FuseHeads = (matrices: HeadMatrices) => FusedAttention;

/** One block's attention for one result; with the gradients of its score where the method needs them. */
export interface HeadMatrices {
  readonly heads: number;
  readonly tokens: number;
  /** [heads, tokens, tokens] */
  readonly attention: Float32Array;
  readonly gradients: Float32Array | undefined;
}

/** With what a block's attention changes the row: R ← norm(A + I) R, or R ← R + A R. */
export type RollStep = 'normalized' | 'sum';

/**
 * Row of the class token (the mean of all rows where there is none, or the head doesn't read it) of the product over blocks, at the patches.
 * @param layers attention [N, heads, tokens, tokens] of the blocks, in the order of the network
 * @returns maps [count, h, w]
 */
export async function rolledMaps(
  layers: readonly LayerTensors[],
  count: number,
  fuse: FuseHeads,
  step: RollStep,
): Promise<Maps> {
  const { grid, prefix } = tokensOf(layers[0]!);
  const [height, width] = grid;
  const data = new Float32Array(count * height * width);
  for (let n = 0; n < count; n++) {
    const tokens = layers[0]!.activations.dims[3]!;
    let row: Float64Array = firstRow(tokens, classRow(layers[0]!));
    for (const layer of layers.toReversed()) {
      row = rolled(row, fuse(matricesOf(layer, n)), step);
      await nextTurn();
    }
    data.set(row.subarray(prefix, prefix + height * width), n * height * width);
  }
  return { data, dims: [count, height, width] };
}

export function tokensOf({ tokens }: LayerTensors): NonNullable<LayerTensors['tokens']> {
  if (!tokens) throw new TypeError('attention without the place of its tokens');
  return tokens;
}

/** The matrices of result `n`; one image may have several results. */
export function matricesOf({ activations, gradients }: LayerTensors, n: number): HeadMatrices {
  const [, heads, tokens] = activations.dims as [number, number, number];
  return { heads, tokens, attention: nth(activations, n), gradients: gradients && nth(gradients, n) };
}

function nth({ data, dims }: FeatureMaps, n: number): Float32Array {
  const size = data.length / dims[0]!;
  const own = n % dims[0]!;
  return data.subarray(own * size, (own + 1) * size);
}

/** Whether what the class token gathers is asked for; else the mean over all tokens. */
export function classRow(layer: LayerTensors): boolean {
  return tokensOf(layer).prefix > 0 && layer.reader !== 'mean';
}

function firstRow(tokens: number, first: boolean): Float64Array {
  const row = new Float64Array(tokens);
  if (first) row[0] = 1;
  else row.fill(1 / tokens);
  return row;
}

function rolled(row: Float64Array, fused: FusedAttention, step: RollStep): Float64Array {
  const { length } = row;
  const result = step === 'sum' ? row.slice() : new Float64Array(length);
  for (let i = 0; i < length; i++) {
    let factor = row[i]!;
    if (factor === 0) continue;
    if (step === 'normalized') {
      let sum = 1;
      for (let j = 0; j < length; j++) sum += fused[i * length + j]!;
      factor /= sum;
      result[i]! += factor;
    }
    for (let j = 0; j < length; j++) result[j]! += factor * fused[i * length + j]!;
  }
  return result;
}

/** Sets the ⌊ratio·n⌋ lowest of the values to zero (of equal ones the first); `exempt` is never changed. */
export function discardLowest(values: Float32Array, ratio: number, exempt?: number): void {
  const count = Math.floor(values.length * ratio);
  if (count === 0) return;
  const limit = values.slice().sort()[count - 1]!;
  let equal = count;
  for (const value of values) if (value < limit) equal--;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value > limit || (value === limit && equal-- <= 0) || i === exempt) continue;
    values[i] = 0;
  }
}
