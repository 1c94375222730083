import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { noiseImage } from './explain-models.ts';
import { buildModel, noise, type ValueSpec, type WeightSpec } from './model-builder.ts';

export const image = noiseImage([1, 3, 16, 16]);

export interface Rest {
  readonly outputs: readonly ValueSpec[];
  readonly weights?: Readonly<Record<string, WeightSpec>>;
  readonly batch?: number | string;
  readonly opset?: number | Readonly<Record<string, number>>;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** `x` [N,3,16,16], `a` [N,8,8,8] (a ReLU), its means `v` [N,8], scores `z` [N,6] of them; then the given nodes. */
export function network(
  nodes: readonly GraphNode[],
  { outputs, weights, batch = 'N', opset, metadata }: Rest,
): Uint8Array {
  return buildModel({
    opset,
    metadata,
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1], strides: [2, 2] }),
      makeNode('Relu', ['c'], ['a']),
      makeNode('GlobalAveragePool', ['a'], ['p']),
      makeNode('Flatten', ['p'], ['v']),
      makeNode('Gemm', ['v', 'wf'], ['z'], { transB: 1 }),
      ...nodes,
    ],
    inputs: [{ name: 'x', dims: [batch, 3, 16, 16] }],
    outputs,
    initializers: { w: noise([8, 3, 3, 3], 2), wf: noise([6, 8], 3), ...weights },
  });
}
