import { describe, expect, it } from 'vitest';
import { serializeModel } from '../../../lib/model/file/serialize-model.ts';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { noiseTensor } from '../../../lib/model/probe/noise-tensor.ts';
import { load } from '../../helpers/load.ts';
import { buildModel, int64, type ModelSpec, noise } from '../../helpers/model-builder.ts';
import { createOrtSession } from '../../helpers/ort-session.ts';
import { residualModel } from '../../helpers/small-models.ts';

const fixed = (spec: Partial<ModelSpec>) =>
  buildModel({
    nodes: [],
    inputs: [{ name: 'x', dims: [1, 3, 8, 8] }],
    outputs: [{ name: 'y', dims: [1, 4] }],
    ...spec,
  });

describe('models exported for one image', () => {
  it.each([[[1, 4]], [[1, -1]], [[-1, 4]], [[0, 4]]])('take any batch, flattened by the shape %j', async shape => {
    const model = await load(residualModel({ batch: 1, flattenTo: shape }));
    expect(model.input.batch).toBeUndefined();
    expect(model.logits.dims).toEqual([-1, 5]);
    const x = noiseTensor('float32', [3, 3, 16, 16], 11);
    const { model: bytes, externalFiles } = serializeModel(model.graph);
    const session = await createOrtSession(bytes, { externalFiles });
    const { y } = await session.run({ x }, ['y']);
    await session.dispose();
    const original = await createOrtSession(residualModel({ batch: 1, flattenTo: shape }));
    for (let index = 0; index < 3; index++) {
      const image = (x.data as Float32Array).slice(index * 768, (index + 1) * 768);
      const alone = await original.run({ x: { type: 'float32', data: image, dims: [1, 3, 16, 16] } }, ['y']);
      const row = (y!.data as Float32Array).slice(index * 5, (index + 1) * 5);
      row.forEach((value, k) => {
        expect(value).toBeCloseTo((alone.y!.data as Float32Array)[k]!, 5);
      });
    }
    await original.dispose();
  });

  it('take any batch past a Resize with fixed sizes', async () => {
    const model = await load(
      fixed({
        nodes: [
          makeNode('Conv', ['x', 'w'], ['c']),
          makeNode('Resize', ['c', '', '', 'sizes'], ['r'], { mode: 'nearest' }),
          makeNode('GlobalAveragePool', ['r'], ['p']),
          makeNode('Flatten', ['p'], ['y']),
        ],
        initializers: { w: noise([4, 3, 1, 1]), sizes: int64(1, 4, 16, 16) },
      }),
    );
    expect(model.input.batch).toBeUndefined();
    expect(model.facts.get('r')!.dims).toEqual([-1, 4, 16, 16]);
  });

  it('stay at one where images would mix or shapes do not fit', async () => {
    const mixing = await load(
      fixed({
        nodes: [
          makeNode('Conv', ['x', 'w'], ['c']),
          makeNode('ReduceMean', ['c'], ['m'], { axes: [0], keepdims: 1 }),
          makeNode('Sub', ['c', 'm'], ['d']),
          makeNode('Add', ['d', 'm'], ['e']),
          makeNode('Mul', ['e', 'm'], ['g']),
          makeNode('GlobalAveragePool', ['g'], ['p']),
          makeNode('Flatten', ['p'], ['y']),
        ],
        initializers: { w: noise([4, 3, 1, 1]) },
      }),
    );
    expect(mixing.input.batch).toBe(1);
    expect(mixing.logits.dims).toEqual([1, 4]);
    const token = await load(
      fixed({
        nodes: [
          makeNode('Conv', ['x', 'w'], ['c']),
          makeNode('GlobalAveragePool', ['c'], ['p']),
          makeNode('Concat', ['p', 'constant'], ['q'], { axis: 2 }),
          makeNode('ReduceMean', ['q'], ['y'], { axes: [2, 3], keepdims: 0 }),
        ],
        initializers: { w: noise([4, 3, 1, 1]), constant: noise([1, 4, 1, 1]) },
      }),
    );
    expect(token.input.batch).toBe(1);
    expect(token.chosen).toBeDefined();
  });
});

it('a batch that is declared dynamic but cannot be is treated as one', async () => {
  const model = await load(
    buildModel({
      nodes: [
        makeNode('Conv', ['x', 'w'], ['c']),
        makeNode('GlobalAveragePool', ['c'], ['p']),
        makeNode('Reshape', ['p', 'shape'], ['f']),
        makeNode('Gemm', ['f', 'wf'], ['y']),
      ],
      inputs: [{ name: 'x', dims: ['N', 3, 8, 8] }],
      outputs: [{ name: 'y', dims: ['N', 5] }],
      initializers: { w: noise([4, 3, 1, 1]), shape: int64(1, -1), wf: noise([4, 5]) },
    }),
  );
  expect(model.input.batch).toBe(1);
  expect(model.facts.get('y')!.dims).toEqual([1, 5]);
});
