/** DeepLIFT's rules one by one: multipliers times what a layer changed by are what the score changed by, against zeros. */
import { it } from 'vitest';
import { expectConserved } from './deep-lift-harness.ts';
import type { NodeSpec } from './harness.ts';

/** From a [2,4,6,6] to r; p = a + 0.3 is a second tensor that depends on the layer, and is not zero in the reference. */
const CASES: Readonly<Record<string, readonly NodeSpec[]>> = {
  Abs: [['Abs', ['a'], ['r']]],
  Atan: [['Atan', ['p'], ['r']]],
  Shrink: [['Shrink', ['p'], ['r']]],
  Clip: [['Clip', ['p', 'low', 'high'], ['r']]],
  Elu: [['Elu', ['a'], ['r']]],
  Exp: [['Exp', ['a'], ['r']]],
  HardSwish: [['HardSwish', ['p'], ['r']]],
  'SiLU in pieces': [
    ['Sigmoid', ['p'], ['s']],
    ['Mul', ['p', 's'], ['r']],
  ],
  Pow: [['Pow', ['p', 'three'], ['r']]],
  'Max with a constant': [['Max', ['p', 'low'], ['r']]],
  Reciprocal: [
    ['Exp', ['a'], ['e']],
    ['Reciprocal', ['e'], ['r']],
  ],
  Sqrt: [
    ['Mul', ['p', 'p'], ['e']],
    ['Sqrt', ['e'], ['r']],
  ],
  'a product of two': [
    ['Tanh', ['a'], ['t']],
    ['Mul', ['p', 't'], ['r']],
  ],
  'a quotient of two': [
    ['Exp', ['a'], ['e']],
    ['Div', ['p', 'e'], ['r']],
  ],
  'a quotient of a constant': [
    ['Exp', ['a'], ['e']],
    ['Div', ['three', 'e'], ['r']],
  ],
  'MatMul of two': [
    ['Transpose', ['p'], ['t'], { perm: [0, 1, 3, 2] }],
    ['MatMul', ['a', 't'], ['m']],
    ['MatMul', ['m', 'p'], ['r']],
  ],
  'Einsum of two': [['Einsum', ['a', 'p'], ['r'], { equation: 'nchw,nchv->ncwv' }]],
  MaxPool: [['MaxPool', ['p'], ['r'], { kernel_shape: [2, 2], strides: [2, 2] }]],
  'MaxPool that overlaps': [['MaxPool', ['p'], ['r'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }]],
  GlobalMaxPool: [['GlobalMaxPool', ['p'], ['r']]],
  ReduceMax: [['ReduceMax', ['p'], ['r'], { axes: [2], keepdims: 0 }]],
  ReduceMin: [['ReduceMin', ['p'], ['r'], { axes: [1], keepdims: 1 }]],
  ReduceL2: [['ReduceL2', ['p'], ['r'], { axes: [1], keepdims: 1 }]],
  ReduceSumSquare: [['ReduceSumSquare', ['p'], ['r'], { axes: [3], keepdims: 0 }]],
  Softmax: [['Softmax', ['p'], ['r'], { axis: 1 }]],
  LogSoftmax: [['LogSoftmax', ['p'], ['r'], { axis: -1 }]],
  LayerNormalization: [['LayerNormalization', ['p', 'gain', 'shift'], ['r'], { axis: -1 }]],
};

it.each(Object.entries(CASES))('%s', async (_, nodes) => expectConserved(nodes));
