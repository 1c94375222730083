import type { Emitter } from '../../autodiff/emitter.ts';
import { reduce, reduceSum, sliceAxis } from '../../autodiff/forms.ts';
import { range, type Value } from '../../autodiff/value.ts';
import type { AttentionRoll } from '../../kernels/attention.ts';
import type { LayerInGraph } from '../definition.ts';
import { classRow, tokensOf } from './attention-rows.ts';
import { discardLowest } from './discard-lowest.ts';

/** As support/attention-rows.ts, as nodes. */

/**
 * Row of the class token (the mean of all rows where there is none, or the head doesn't read it) of the product over blocks, at the patches.
 * @param layers attention [N, heads, tokens, tokens] of the blocks, in the order of the network
 * @returns maps [N, 1, h, w]
 */
export function rolledMap(emit: Emitter, layers: readonly LayerInGraph[], roll: AttentionRoll): Value {
  const [first] = layers as [LayerInGraph];
  const tokens = first.activations.dims[3]!;
  const whose = classRow(first) ? range(tokens).map(token => (token === 0 ? 1 : 0)) : 1 / tokens;
  let row = emit.constant(whose, 'float32', [1, 1, tokens]);
  for (const layer of layers.toReversed()) row = rolled(emit, row, fused(emit, layer, roll), roll.step);
  return atPatches(emit, row, first);
}

/** Values of keys [N, 1, keys] at the patches, [N, 1, h, w]. */
export function atPatches(emit: Emitter, keys: Value, layer: LayerInGraph): Value {
  const [height, width] = tokensOf(layer).grid;
  return emit.reshape(patchesOf(emit, keys, layer), [keys.dims[0]!, 1, height, width]);
}

/** What belongs to patches of the last axis, the keys. */
export function patchesOf(emit: Emitter, x: Value, layer: LayerInGraph): Value {
  const { grid, prefix } = tokensOf(layer);
  return sliceAxis(emit, x, x.dims.length - 1, prefix, grid[0] * grid[1]);
}

/** r · rownorm(F + I), or r + r · F, of a row [N, 1, tokens] and a matrix [N, tokens, tokens]. */
function rolled(emit: Emitter, row: Value, matrix: Value, step: AttentionRoll['step']): Value {
  if (step === 'sum') return emit.add(row, emit.matMul(row, matrix));
  const sums = emit.transpose(reduceSum(emit, matrix, [2]), [0, 2, 1]);
  const shares = emit.div(row, emit.add(sums, emit.scalar(1, sums)));
  return emit.add(shares, emit.matMul(shares, matrix));
}

const REDUCTIONS = { mean: 'ReduceMean', max: 'ReduceMax', min: 'ReduceMin', 'positive-mean': 'ReduceMean' } as const;

/** The matrices of the heads as one [N, tokens, tokens]. */
function fused(emit: Emitter, { activations, gradients }: LayerInGraph, roll: AttentionRoll): Value {
  const { fuse, discard, keepFirst } = roll;
  const values = gradients ? emit.mul(activations, gradients) : activations;
  const heads = fuse === 'positive-mean' ? emit.unary('Relu', values) : values;
  const one = reduce(emit, REDUCTIONS[fuse], heads, [1]);
  const matrix = emit.reshape(one, one.dims.toSpliced(1, 1));
  const positive = gradients && fuse !== 'positive-mean' ? emit.unary('Relu', matrix) : matrix;
  return discardLowest(emit, positive, discard, keepFirst);
}
