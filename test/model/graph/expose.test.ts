import { expect, it } from 'vitest';
import { Session } from '../../../lib/engine/session.ts';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import { serializeModel } from '../../../lib/model/file/serialize-model.ts';
import { expose } from '../../../lib/model/graph/expose.ts';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { buildModel, int64, noise } from '../../helpers/model-builder.ts';

it('exposes a tensor that a Pad reads, which ONNX Runtime merges into the convolution behind it', async () => {
  const graph = parseModel(
    buildModel({
      nodes: [
        makeNode('Conv', ['x', 'w1'], ['c1']),
        makeNode('Relu', ['c1'], ['r1']),
        makeNode('Pad', ['r1', 'pads'], ['p1']),
        makeNode('Conv', ['p1', 'w2'], ['y']),
      ],
      inputs: [{ name: 'x', dims: ['N', 3, 6, 6] }],
      outputs: [{ name: 'y' }],
      initializers: {
        w1: noise([4, 3, 3, 3]),
        w2: noise([5, 4, 3, 3]),
        pads: int64(0, 0, 0, 0, 0, 0, 1, 1),
      },
    }),
  );
  const exposed = expose(graph, 'r1');
  expect(expose(graph, 'r1')).toBe(exposed);
  const last = expose(graph, 'y');
  const { model, externalFiles } = serializeModel(graph);
  const x = { type: 'float32' as const, dims: [2, 3, 6, 6], data: new Float32Array(216).map((_, i) => Math.sin(i)) };
  const [plain, fast] = await Promise.all(
    (['disabled', 'all'] as const).map(async graphOptimizationLevel => {
      const session = await Session.create(model, { externalFiles, graphOptimizationLevel });
      const values = await session.run({ x }, [exposed, last]);
      await session.dispose();
      return values;
    }),
  );
  expect(fast![exposed]!.dims).toEqual([2, 4, 4, 4]);
  for (const name of [exposed, last])
    (plain![name]!.data as Float32Array).forEach((value, i) => {
      expect((fast![name]!.data as Float32Array)[i]).toBeCloseTo(value, 5);
    });
});

it('copies neither what is an output already nor what is only pooled, but what others read', () => {
  const graph = parseModel(
    buildModel({
      nodes: [
        makeNode('Relu', ['x'], ['r']),
        makeNode('Relu', ['r'], ['s']),
        makeNode('GlobalAveragePool', ['s'], ['y']),
      ],
      inputs: [{ name: 'x', dims: [1, 3, 2, 2] }],
      outputs: [{ name: 'y', dims: [1, 3, 1, 1] }],
    }),
  );
  for (const tensor of ['y', 's', 's']) expect(expose(graph, tensor)).toBe(tensor);
  expect(graph.nodes).toHaveLength(3);
  const copied = expose(graph, 'r');
  const input = expose(graph, 'x');
  expect(graph.nodes).toHaveLength(5);
  expect(graph.outputs.map(({ name }) => name)).toEqual(['y', 's', copied, input]);
  expect(new Set(graph.outputs.map(({ name }) => name)).size).toBe(4);
});
