import { expand } from '../broadcast.ts';

import { reduceSum } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { range, sameDims } from '../value.ts';

/** Reshape, Flatten, Squeeze, Unsqueeze: g in the input's shape. */
export const reshape: Rule = {
  inputs: [0],
  backward: context => {
    const { emit } = context;
    const [x, y, g] = [context.input(), context.output(), context.gradient];
    if (context.manyScores && y.dims.includes(-1) && !x.dims.includes(-1))
      context.fail('it folds the batch into another axis, which several scores of one image do not allow');
    const lazy = sameDims(g.dims, y.dims) ? undefined : lazyDims(g.dims, y.dims, x.dims);
    if (lazy && lazy.filter(size => size === -1).length <= 1) return context.add(0, emit.reshape(g, lazy));
    context.add(0, emit.reshapeLike(expand(emit, g, y), x));
  },
  /** [N, classes] ↔ [N, classes, 1, 1]. */
  backwardIndex: context => {
    const [x, y] = [context.input().dims, context.output().dims];
    const unitTail = (dims: readonly number[]) => dims.length >= 2 && dims.slice(2).every(size => size === 1);
    if (!unitTail(x) || !unitTail(y) || x[1] !== y[1] || x[0] !== y[0]) return false;
    context.addIndex(0, context.index!);
    return true;
  },
};

/** Stands for an unknown size when runs of axes are compared: no product of real sizes equals it. */
const UNKNOWN = 1_000_003;

/**
 * Sizes in the input's shape of a lazy gradient of a Reshape's output, where the axes fall into runs of equal product
 * and the gradient is constant over a whole run or over none of it; undefined where laziness would be lost.
 */
function lazyDims(g: readonly number[], y: readonly number[], x: readonly number[]): number[] | undefined {
  const size = (dims: readonly number[], axis: number) => (dims[axis] === -1 ? UNKNOWN : (dims[axis] ?? 1));
  const result: number[] = [];
  let [i, j] = [0, 0];
  while (i < x.length || j < y.length) {
    const [fromX, fromY] = [i, j];
    let [productX, productY] = [size(x, i++), size(y, j++)];
    while (productX !== productY) {
      if (productX < productY && i < x.length) productX *= size(x, i++);
      else if (productY < productX && j < y.length) productY *= size(y, j++);
      else return undefined;
    }
    const [runX, runG, runY] = [x.slice(fromX, i), g.slice(fromY, j), y.slice(fromY, j)];
    if (runG.every(item => item === 1)) result.push(...runX.map(() => 1));
    else if (sameDims(runG, runY)) result.push(...runX);
    else return undefined;
  }
  return result;
}

export const transpose: Rule = {
  backward: context => {
    const rank = context.input().dims.length;
    const perm = context.node.attributes.ints('perm', range(rank).reverse());
    const inverse = range(rank).map(axis => perm.indexOf(axis));
    context.add(0, context.emit.transpose(context.gradient, inverse));
  },
};

/** Expand: the sum over the axes on which the input was repeated. */
export const expandRule: Rule = {
  inputs: [0],
  backward: context => context.addBroadcast(0, context.gradient),
};

/** Tile: [n·d] is seen as [n, d] on every axis and summed over the repetitions. */
export const tile: Rule = {
  inputs: [0],
  backward: context => {
    const { emit } = context;
    const repeats = context.constantInput(1) ?? context.fail('its repeats vary at run time');
    const x = context.input();
    const repeated = range(x.dims.length).filter(axis => repeats[axis] !== 1);
    if (repeated.some(axis => x.dims[axis] === -1)) context.fail('it repeats a dynamic axis');
    const dims = x.dims.flatMap((size, axis) => (repeated.includes(axis) ? [repeats[axis]!, size] : [size]));
    const sums = repeated.map((axis, index) => axis + index);
    const split = emit.reshape(context.fullGradient, dims);
    context.add(0, emit.reshapeLike(reduceSum(emit, split, sums), x));
  },
};

/** Keeps a triangle of the last two axes: the same triangle of g. */
export const trilu: Rule = {
  inputs: [0],
  backward: context => {
    const { emit, node } = context;
    const g = context.fullGradient;
    const inputs = context.has(1) ? [g, context.input(1)] : [g];
    context.add(0, emit.node('Trilu', inputs, g, { upper: node.attributes.int('upper', 1) }));
  },
};
