import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import { describeInput } from '../../../lib/model/find/input.ts';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { probeFacts } from '../../../lib/model/probe/probe-facts.ts';
import type { CreateSession } from '../../../lib/model/probe/probe-session.ts';
import { repeatBatch } from '../../../lib/model/probe/probing-feeds.ts';
import { load } from '../../helpers/load.ts';
import { buildModel, int64, type ModelSpec, noise } from '../../helpers/model-builder.ts';
import { createOrtSession } from '../../helpers/ort-session.ts';
import { residualModel, residualSpec } from '../../helpers/small-models.ts';

function probe(
  spec: Partial<ModelSpec>,
  size: { width?: number; height?: number } = {},
  create: CreateSession = createOrtSession,
) {
  const graph = parseModel(
    buildModel({ nodes: [], inputs: [{ name: 'x', dims: ['N', 3, 8, 8] }], outputs: [{ name: 'y' }], ...spec }),
  );
  return probeFacts(graph, create, { input: describeInput(graph), ...size });
}

describe('probeFacts', () => {
  it('finds types, shapes and what follows the batch', async () => {
    const facts = await probe({
      nodes: [
        makeNode('Conv', ['x', 'w'], ['c'], { strides: [2, 2] }),
        makeNode('Transpose', ['c'], ['t'], { perm: [0, 2, 3, 1] }),
        makeNode('Reshape', ['t', 'windows'], ['u']),
        makeNode('ArgMax', ['u'], ['i'], { axis: 1, keepdims: 0 }),
        makeNode('Greater', ['c', 'zero'], ['g']),
        makeNode('Flatten', ['c'], ['y']),
      ],
      outputs: [{ name: 'y' }],
      initializers: { w: noise([4, 3, 2, 2]), windows: int64(-1, 4), zero: { dims: [], data: [0] } },
    });
    expect(facts.get('x')).toEqual({ type: 'float32', dims: [-1, 3, 8, 8] });
    expect(facts.get('c')).toEqual({ type: 'float32', dims: [-1, 4, 4, 4] });
    expect(facts.get('u')).toEqual({ type: 'float32', dims: [-1, 4], rowsPerImage: 16 });
    expect(facts.get('i')).toEqual({ type: 'int64', dims: [-1], rowsPerImage: 16 });
    expect(facts.get('g')).toEqual({ type: 'bool', dims: [-1, 4, 4, 4] });
    expect(facts.get('y')).toEqual({ type: 'float32', dims: [-1, 64] });
    expect(facts.get('windows')).toEqual({ type: 'int64', dims: [2], values: [-1, 4] });
    expect(facts.get('zero')).toEqual({ type: 'float32', dims: [], values: [0] });
    expect(facts.get('w')).toEqual({ type: 'float32', dims: [4, 3, 2, 2], values: expect.any(Array) });
  });

  it('resolves shape chains, but takes nothing for constant that depends on the image or the batch', async () => {
    const facts = await probe({
      nodes: [
        makeNode('Shape', ['x'], ['s']),
        makeNode('Slice', ['s', 'two', 'four'], ['hw']),
        makeNode('Mul', ['hw', 'two'], ['double']),
        makeNode('Gather', ['s', 'first'], ['n']),
        makeNode('Cast', ['double'], ['f'], { to: 1 }),
        makeNode('ReduceMax', ['x'], ['top'], { keepdims: 0 }),
        makeNode('Greater', ['top', 'big'], ['never']),
        makeNode('Flatten', ['x'], ['y']),
      ],
      initializers: { two: int64(2), four: int64(4), first: int64(0), big: { dims: [], data: [1e9] } },
    });
    expect(facts.get('double')).toEqual({ type: 'int64', dims: [2], values: [16, 16] });
    expect(facts.get('f')).toEqual({ type: 'float32', dims: [2], values: [16, 16] });
    expect(facts.get('n')).toEqual({ type: 'int64', dims: [1] });
    expect(facts.get('never')).toEqual({ type: 'bool', dims: [] });
  });

  it('uses the size given, or 224, where the model takes any', async () => {
    const open = { nodes: [makeNode('Relu', ['x'], ['y'])], inputs: [{ name: 'x', dims: ['N', 3, 'h', 'w'] }] };
    expect((await probe(open)).get('y')!.dims).toEqual([-1, 3, 224, 224]);
    expect((await probe(open, { width: 20, height: 10 })).get('y')!.dims).toEqual([-1, 3, 10, 20]);
    const model = await load(buildModel({ ...open, outputs: [{ name: 'y' }] }), { size: [32, 16] });
    expect(model.facts.get('y')!.dims).toEqual([-1, 3, 16, 32]);
    expect((await model.factsFor(8, 4)).get('y')!.dims).toEqual([-1, 3, 4, 8]);
  });

  it('keeps a fixed batch', async () => {
    const facts = await probe({
      nodes: [makeNode('Relu', ['x'], ['y'])],
      inputs: [{ name: 'x', dims: [4, 3, 8, 8] }],
    });
    expect(facts.get('y')!.dims).toEqual([4, 3, 8, 8]);
  });

  it('fetches no activation and releases every session', async () => {
    let open = 0;
    let largest = 0;
    let runs = 0;
    const counting: CreateSession = async (model, options) => {
      const session = await createOrtSession(model, options);
      open++;
      return {
        outputs: session.outputs,
        run: async (feeds, fetches) => {
          runs++;
          const outputs = await session.run(feeds, fetches);
          for (const { data } of Object.values(outputs)) largest = Math.max(largest, data.length);
          return outputs;
        },
        dispose: async () => {
          open--;
          await session.dispose();
        },
      };
    };
    // How many values are positive is not to be inferred, so the network is run.
    const counted = [makeNode('NonZero', ['y'], ['where'])];
    const spec = residualSpec();
    const facts = await probe({ ...spec, nodes: [...spec.nodes, ...counted] }, {}, counting);
    expect(facts.get('r2')).toEqual({ type: 'float32', dims: [-1, 4, 8, 8] });
    expect(facts.get('where')!.dims).toEqual([2, -1]);
    expect(runs).toBe(2);
    expect(open).toBe(0);
    expect(largest).toBeLessThanOrEqual(64);
    const broken = {
      nodes: [makeNode('Reshape', ['x', 's'], ['z']), makeNode('NonZero', ['z'], ['y'])],
      initializers: { s: int64(5, 7) },
    };
    await expect(probe(broken, {}, counting)).rejects.toMatchObject({ code: 'ERR_RUNTIME' });
    expect(open).toBe(0);
  });

  it('runs nothing where shape inference says everything', async () => {
    let runs = 0;
    const counting: CreateSession = async (model, options) => {
      const session = await createOrtSession(model, options);
      const run: typeof session.run = (feeds, fetches) => {
        runs++;
        return session.run(feeds, fetches);
      };
      return { ...session, run };
    };
    const graph = parseModel(residualModel());
    const facts = await probeFacts(graph, counting, { input: describeInput(graph) });
    expect(facts.get('r2')).toEqual({ type: 'float32', dims: [-1, 4, 8, 8] });
    expect(runs).toBe(0);
  });

  it('survives subgraphs, strings and sequences on the way', async () => {
    const facts = await probe({
      nodes: [
        makeNode('SplitToSequence', ['x'], ['list'], { axis: 1 }),
        makeNode('SequenceAt', ['list', 'index'], ['item']),
        makeNode('Flatten', ['item'], ['y']),
      ],
      initializers: { index: { dims: [], type: 'int64', data: [0] } },
    });
    expect(facts.has('list')).toBe(false);
    expect(facts.get('item')!.dims).toEqual([-1, 1, 8, 8]);
  });
});

describe('repeatBatch', () => {
  it('repeats one, keeps the right number and refuses others', () => {
    const one = { type: 'int32' as const, data: Int32Array.of(1, 2), dims: [1, 2] };
    expect(repeatBatch(one, 2)).toEqual({ type: 'int32', data: Int32Array.of(1, 2, 1, 2), dims: [2, 2] });
    expect(repeatBatch(one, 1)).toBe(one);
    expect(() => repeatBatch({ ...one, dims: [2, 1] }, 3)).toThrowError(
      expect.objectContaining({ code: 'ERR_INPUT_SHAPE' }),
    );
  });
});
