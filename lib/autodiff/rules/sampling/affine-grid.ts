import type { NodeContext } from '../../context.ts';
import { range, sizeOf } from '../../value.ts';
import { decomposed } from '../decomposed.ts';

/** AffineGrid(theta, size): [x, y(, z), 1] of every cell, times θᵀ. */
export const affineGrid = decomposed(
  context => {
    const { emit: e } = context;
    const [theta, y] = [context.input(0), context.output()];
    const sizes = y.dims.slice(1, -1);
    if (sizes.includes(-1)) context.fail('height or width is dynamic');
    const rank = sizes.length;
    const base = e.constant(baseGrid(context, sizes), theta.type, [sizeOf(sizes), rank + 1]);
    const product = e.matMul(base, e.transpose(theta, [0, 2, 1]));
    return e.reshape(product, [product.dims[0]!, ...y.dims.slice(1)]);
  },
  [0],
);

/** Rows of coordinates in [−1, 1], the last axis first, and a 1. */
function baseGrid({ node }: NodeContext, sizes: readonly number[]): number[] {
  const aligned = node.attributes.int('align_corners', 0) === 1;
  const at = (size: number, index: number) =>
    aligned ? (size === 1 ? 0 : -1 + (2 * index) / (size - 1)) : (2 * index + 1) / size - 1;
  return range(sizeOf(sizes)).flatMap(cell => {
    let rest = cell;
    const coordinates = sizes.toReversed().map(size => {
      const index = rest % size;
      rest = Math.floor(rest / size);
      return at(size, index);
    });
    return [...coordinates, 1];
  });
}
