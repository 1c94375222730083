import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel } from './model-builder.ts';

/**
 * Class scores of pictures of side × side: the mean over all pixels of what is positive of three weights a class times red, green and
 * blue.
 */
export function pooledColours({ weights, side }: { readonly weights: readonly number[]; readonly side: number }) {
  const classes = weights.length / 3;
  return buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c']),
      makeNode('Relu', ['c'], ['r']),
      makeNode('GlobalAveragePool', ['r'], ['p']),
      makeNode('Flatten', ['p'], ['y'], { axis: 1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, side, side] }],
    outputs: [{ name: 'y', dims: ['N', classes] }],
    initializers: { w: { dims: [classes, 3, 1, 1], data: Float32Array.from(weights) } },
  });
}
