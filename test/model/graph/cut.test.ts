import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../lib/engine/tensor.ts';
import { serializeModel } from '../../../lib/model/file/serialize-model.ts';
import { headOf, tailOf } from '../../../lib/model/graph/cut.ts';
import { expose } from '../../../lib/model/graph/expose.ts';
import { type Graph, makeNode } from '../../../lib/model/graph/graph.ts';
import { noiseTensor } from '../../../lib/model/probe/noise-tensor.ts';
import { load } from '../../helpers/load.ts';
import { buildModel, int64, noise } from '../../helpers/model-builder.ts';
import { createOrtSession } from '../../helpers/ort-session.ts';
import { residualModel } from '../../helpers/small-models.ts';

async function run(graph: Graph, feeds: Record<string, Tensor>, output: string): Promise<Tensor> {
  const { model, externalFiles } = serializeModel(graph);
  const session = await createOrtSession(model, { externalFiles, graphOptimizationLevel: 'all' });
  const outputs = await session.run(feeds, [output]);
  await session.dispose();
  return outputs[output]!;
}

describe('headOf and tailOf', () => {
  it('split a network at a layer, for any batch', async () => {
    const { graph, facts } = await load(residualModel());
    const x = noiseTensor('float32', [3, 3, 16, 16], 4);
    const whole = await run(graph, { x }, 'y');
    const head = headOf(graph, ['r1'], facts);
    const tail = tailOf(graph, facts, 'r1', ['y']);
    expect(head.nodes.map(({ op }) => op)).toEqual(['Conv', 'Relu']);
    expect([...head.initializers.keys()]).toEqual(['w1']);
    expect(tail.inputs.map(({ name }) => name)).toEqual(['r1']);
    expect(tail.initializers.has('w1')).toBe(false);
    const activations = await run(head, { x }, 'r1');
    expect((await run(tail, { r1: activations }, 'y')).data).toEqual(whole.data);
  });

  it('refuses to cut where data flows around the layer', async () => {
    const { graph, facts } = await load(residualModel());
    expect(() => tailOf(graph, facts, 'c2', ['y'])).toThrowError(
      expect.objectContaining({ code: 'ERR_METHOD_UNSUPPORTED', message: expect.stringMatching(/around it/) }),
    );
  });

  it('makes shapes of earlier tensors from the batch of the layer, and puts constants in', async () => {
    const { graph, facts } = await load(
      buildModel({
        nodes: [
          makeNode('Conv', ['x', 'w'], ['c']),
          makeNode('Relu', ['c'], ['a']),
          makeNode('Shape', ['x'], ['shape']),
          makeNode('Gather', ['shape', 'zero'], ['n']),
          makeNode('Unsqueeze', ['n', 'zeroAxis'], ['n1']),
          makeNode('Mul', ['eight', 'eight'], ['sixtyFour']),
          makeNode('Concat', ['n1', 'four', 'sixtyFour'], ['target'], { axis: 0 }),
          makeNode('Reshape', ['a', 'target'], ['f']),
          makeNode('ReduceMean', ['f'], ['y'], { axes: [2], keepdims: 0 }),
        ],
        inputs: [{ name: 'x', dims: ['N', 3, 8, 8] }],
        outputs: [{ name: 'y' }],
        initializers: {
          w: noise([4, 3, 1, 1]),
          zero: { dims: [], type: 'int64', data: [0] },
          zeroAxis: int64(0),
          eight: int64(8),
          four: int64(4),
        },
      }),
    );
    const tail = tailOf(graph, facts, 'a', ['y']);
    expect(tail.inputs.map(({ name }) => name)).toEqual(['a']);
    expect(tail.nodes.some(({ op }) => op === 'Mul')).toBe(false);
    const x = noiseTensor('float32', [2, 3, 8, 8], 4);
    const a = await run(headOf(graph, ['a'], facts), { x }, 'a');
    expect((await run(tail, { a }, 'y')).data).toEqual((await run(graph, { x }, 'y')).data);
  });
});

describe('expose', () => {
  it('makes a tensor an output through an Identity, once', async () => {
    const { graph, facts } = await load(residualModel());
    const extended = graph.clone();
    const name = expose(extended, 'r1', facts);
    expect(expose(extended, 'r1', facts)).toBe(name);
    expect(extended.outputs).toHaveLength(2);
    expect(graph.outputs).toHaveLength(1);
    const exposed = await run(extended, { x: noiseTensor('float32', [1, 3, 16, 16], 1) }, name);
    expect(exposed.dims).toEqual([1, 4, 8, 8]);
  });
});
