import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel, int64, type ModelSpec, noise } from './model-builder.ts';

/** Networks of a few nodes with the shapes of real ones; input x [N,3,16,16], output y [N,5]. */

const io = (batch: number | string = 'N'): Pick<ModelSpec, 'inputs' | 'outputs'> => ({
  inputs: [{ name: 'x', dims: [batch, 3, 16, 16] }],
  outputs: [{ name: 'y', dims: [batch, 5] }],
});

/** Stem, one residual block, global pooling, linear head; `batch` is declared for input and output. */
export function residualSpec({ batch = 'N' as number | string, flattenTo = undefined as number[] | undefined } = {}) {
  return {
    nodes: [
      makeNode('Conv', ['x', 'w1'], ['c1'], { pads: [1, 1, 1, 1], strides: [2, 2] }, { name: 'stem/conv' }),
      makeNode('Relu', ['c1'], ['r1'], {}, { name: 'stem/relu' }),
      makeNode('Conv', ['r1', 'w2'], ['c2'], { pads: [1, 1, 1, 1] }, { name: 'block/conv' }),
      makeNode('Add', ['c2', 'r1'], ['s'], {}, { name: 'block/add' }),
      makeNode('Relu', ['s'], ['r2'], {}, { name: 'block/relu' }),
      makeNode('GlobalAveragePool', ['r2'], ['p'], {}, { name: 'pool' }),
      flattenTo
        ? makeNode('Reshape', ['p', 'shape'], ['f'], {}, { name: 'flatten' })
        : makeNode('Flatten', ['p'], ['f'], { axis: 1 }, { name: 'flatten' }),
      makeNode('Gemm', ['f', 'wf', 'bf'], ['y'], { transB: 1 }, { name: 'head' }),
    ],
    ...io(batch),
    initializers: {
      w1: noise([4, 3, 3, 3], 1, 0.5),
      w2: noise([4, 4, 3, 3], 2, 0.5),
      wf: noise([5, 4], 3),
      bf: noise([5], 4),
      ...(flattenTo && { shape: int64(...flattenTo) }),
    },
  } satisfies ModelSpec;
}

export const residualModel = (options?: Parameters<typeof residualSpec>[0]) => buildModel(residualSpec(options));

/** Conv-Relu-MaxPool twice and a Flatten head with two linear layers, as VGG; ends in Softmax. */
export function vggModel(): Uint8Array {
  return buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w1'], ['c1'], { pads: [1, 1, 1, 1] }),
      makeNode('Relu', ['c1'], ['r1']),
      makeNode('MaxPool', ['r1'], ['m1'], { kernel_shape: [2, 2], strides: [2, 2] }),
      makeNode('Conv', ['m1', 'w2'], ['c2'], { pads: [1, 1, 1, 1] }),
      makeNode('Relu', ['c2'], ['r2']),
      makeNode('MaxPool', ['r2'], ['m2'], { kernel_shape: [2, 2], strides: [2, 2] }),
      makeNode('Flatten', ['m2'], ['f']),
      makeNode('Gemm', ['f', 'wa'], ['g'], { transB: 1 }),
      makeNode('Relu', ['g'], ['h']),
      makeNode('Dropout', ['h'], ['d']),
      makeNode('Gemm', ['d', 'wb'], ['z'], { transB: 1 }),
      makeNode('Softmax', ['z'], ['y'], { axis: 1 }),
    ],
    ...io(),
    initializers: {
      w1: noise([4, 3, 3, 3], 1, 0.5),
      w2: noise([6, 4, 3, 3], 2, 0.5),
      wa: noise([8, 96], 3, 0.3),
      wb: noise([5, 8], 4),
    },
  });
}

/** What TensorFlow exporters write: NHWC input, a Transpose right after it, MatMul and Softmax at the end. */
export function tensorFlowModel(): Uint8Array {
  return buildModel({
    opset: 12,
    nodes: [
      makeNode('Transpose', ['x'], ['t'], { perm: [0, 3, 1, 2] }),
      makeNode('Conv', ['t', 'w1'], ['c1'], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
      makeNode('Relu', ['c1'], ['r1']),
      makeNode('Transpose', ['r1'], ['u'], { perm: [0, 2, 3, 1] }),
      makeNode('ReduceMean', ['u'], ['p'], { axes: [1, 2], keepdims: 0 }),
      makeNode('MatMul', ['p', 'wf'], ['m']),
      makeNode('Add', ['m', 'bf'], ['z']),
      makeNode('Softmax', ['z'], ['y'], { axis: -1 }),
    ],
    inputs: [{ name: 'x', dims: ['N', 16, 16, 3] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { w1: noise([4, 3, 3, 3], 1, 0.5), wf: noise([4, 5], 3), bf: noise([5], 4) },
  });
}
