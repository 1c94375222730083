/** Names from a file that every object has: looked up in the caller's objects, they are nobody's. */
import { describe, expect, it } from 'vitest';
import { parseNpyTensor } from '../../lib/io/npy.ts';
import { load } from '../../lib/load.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { expectError } from '../helpers/expect-error.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';

const NAMES = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];

/** A convolution and its pooled channels, plus another input of this name. */
const model = (name: string) =>
  buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c']),
      makeNode('GlobalAveragePool', ['c'], ['p']),
      makeNode('Flatten', ['p'], ['f'], { axis: 1 }),
      makeNode('Add', ['f', name], ['y']),
    ],
    inputs: [
      { name: 'x', dims: ['N', 3, 8, 8] },
      { name, dims: [1, 4] },
    ],
    outputs: [{ name: 'y', dims: ['N', 4] }],
    initializers: { w: noise([4, 3, 3, 3], 1) },
  });
const image = { type: 'float32' as const, data: noise([1, 3, 8, 8], 2).data, dims: [1, 3, 8, 8] };

describe.each(NAMES)('an input named %s', name => {
  it('is missing until a tensor comes, and is taken then', async () => {
    const tensor = { type: 'float32' as const, data: Float32Array.of(0, 0, 9, 0), dims: [1, 4] };
    const cam = await load(model(name));
    try {
      await expectError(() => cam.explain(image), 'ERR_MODEL_UNSUPPORTED', name);
      const inputs = Object.fromEntries([[name, tensor]]);
      expect((await cam.explain(image, { inputs })).target.index).toBe(2);
    } finally {
      await cam.dispose();
    }
  });
});

it('a type of .npy files named like a property of every object is unknown', async () => {
  const header = `${"{'descr': 'constructor', 'fortran_order': False, 'shape': (1,), }".padEnd(117)}\n`;
  const bytes = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.from([118, 0]), Buffer.from(header)]);
  await expectError(
    () => parseNpyTensor(Buffer.concat([bytes, Buffer.alloc(64)]), 'a.npy'),
    'ERR_IMAGE_INVALID',
    'expected one of',
  );
});
