import { makeNode } from '../../lib/model/graph/graph.ts';
import { buildModel } from './model-builder.ts';

/** MG of docs/techniques.md: M2's convolution and ReLU, the mean of each channel, a linear classifier of three classes; of any size. */
export const meanNetwork = (): Uint8Array =>
  buildModel({
    inputs: [{ name: 'x', dims: ['N', 1, 'H', 'W'] }],
    outputs: [{ name: 'logits', dims: ['N', 3] }],
    initializers: {
      kernels: { dims: [2, 1, 2, 2], data: [1, 0, 0, 1, 0, 1, 0.5, -1] },
      offsets: { dims: [2], data: [0, 0.5] },
      rows: { dims: [3, 2], data: [0.5, -0.3, -0.1, 0.4, 0.2, 0.1] },
      bias: { dims: [3], data: [0.1, 0, -0.1] },
    },
    nodes: [
      makeNode('Conv', ['x', 'kernels', 'offsets'], ['c'], { strides: [2, 2] }),
      makeNode('Relu', ['c'], ['A']),
      makeNode('GlobalAveragePool', ['A'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'rows', 'bias'], ['logits'], { transB: 1 }),
    ],
  });
