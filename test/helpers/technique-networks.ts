import { makeNode } from '../../lib/model/graph/graph.ts';
import { TECHNIQUES } from '../../lib/techniques/registry.ts';
import { buildModel, noise } from './model-builder.ts';

/** Few inputs of each. */
const FEW: Readonly<Record<string, Record<string, unknown>>> = {
  'smooth-grad': { n: 3 },
  'multi-scale': { scales: [1, 2] },
  sess: { scales: 2 },
  cameras: { sizes: [16, 32] },
  'augmented-grad-cam': { n: 4, iterations: 5 },
};

/** Every technique with parameters that make it cheap, or with others of a test's own. */
export const cheapTechniques = (own: Readonly<Record<string, Record<string, unknown>>> = {}) =>
  TECHNIQUES.map(({ name }) => ({ name, technique: { name, params: own[name] ?? FEW[name] ?? {} } }));

/**
 * y = Conv₁ₓ₁(ReLU(Conv(x))), four classes at half the size of the input, which is any.
 * @param kernel 2: a position sees 2 × 2 pixels of its own; 3: its neighbours' too
 */
export const segmenter = (kernel: 2 | 3 = 2): Uint8Array =>
  buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { strides: [2, 2], ...(kernel === 3 && { pads: [1, 1, 1, 1] }) }),
      makeNode('Relu', ['c'], ['a'], {}, { name: 'features' }),
      makeNode('Conv', ['a', 'v'], ['y']),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 'H', 'W'] }],
    outputs: [{ name: 'y', dims: ['N', 4, 'h', 'w'] }],
    initializers: { w: noise([6, 3, kernel, kernel], 3, 0.5), v: noise([4, 6, 1, 1], 4) },
  });
