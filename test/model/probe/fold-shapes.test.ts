import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { OnnxCamError } from '../../../lib/common/errors.ts';
import { parseModel } from '../../../lib/model/file/parse-model.ts';
import { describeInput } from '../../../lib/model/find/input.ts';
import type { FactTable } from '../../../lib/model/graph/facts.ts';
import { makeNode } from '../../../lib/model/graph/graph.ts';
import { placeholders } from '../../../lib/model/probe/placeholders.ts';
import { type ProbeOptions, probeFacts } from '../../../lib/model/probe/probe-facts.ts';
import type { CreateSession, ProbeSession } from '../../../lib/model/probe/probe-session.ts';
import { goldenGraphLabels, loadGoldenGraph } from '../../helpers/golden-graphs.ts';
import { load } from '../../helpers/load.ts';
import { buildModel, int64, type ModelSpec, noise } from '../../helpers/model-builder.ts';
import { createOrtSession } from '../../helpers/ort-session.ts';

const golden = fileURLToPath(new URL('../../golden/', import.meta.url));
/** Damaged on purpose; without weights, which a helper fills in; taking no picture; taking no picture of the usual size. */
const LEFT_OUT = ['hostile/', 'graphs/', 'cases/crnn-lstm/step.onnx', 'cases/hf-vit-dynamic/'];

const files = readdirSync(golden, { recursive: true, encoding: 'utf8' })
  .filter(name => /\.onnx(\.gz)?$/.test(name) && !LEFT_OUT.some(start => name.startsWith(start)))
  .sort();

/** Sessions that count the runs of the network, which are those that are fed; `blind` ones know no sizes. */
function watched({ blind = false } = {}) {
  const seen = { runs: 0, sessions: 0 };
  const create: CreateSession = async (model, options) => {
    const session: ProbeSession = await createOrtSession(model, options);
    seen.sessions++;
    return {
      outputs: blind ? session.outputs.map(({ name, type }) => ({ name, type, dims: [] })) : session.outputs,
      run: (feeds, fetches) => {
        if (Object.keys(feeds).length > 0) seen.runs++;
        return session.run(feeds, fetches);
      },
      dispose: () => session.dispose(),
    };
  };
  return { create, seen };
}

const shown = (facts: FactTable) => Object.fromEntries(facts);

/** Facts as found, which must be those that runs give. */
async function compared(graph: Parameters<typeof probeFacts>[0], options: ProbeOptions) {
  const [quick, slow] = [watched(), watched({ blind: true })];
  const facts = await probeFacts(graph, quick.create, options);
  const byRuns = await probeFacts(graph, slow.create, options);
  expect(slow.seen.runs).toBeGreaterThan(0);
  expect(shown(facts)).toEqual(shown(byRuns));
  return { facts, runs: quick.seen.runs };
}

describe('facts without runs are those of runs', () => {
  it.each(files)('%s', async file => {
    const bytes = readFileSync(`${golden}${file}`);
    const model = await load(file.endsWith('.gz') ? gunzipSync(bytes) : bytes);
    const { graph, input, missing } = model;
    const options = { input, inputs: placeholders(missing, input, [224, 224]) };
    const { facts } = await compared(graph, options);
    if (input.height === undefined) await compared(graph, { ...options, width: 256, height: 192, like: facts });
  });

  it.each(goldenGraphLabels())('%s', async label => {
    const { graph, input } = await load(loadGoldenGraph(label).model, { size: [64, 64] });
    const { runs } = await compared(graph, { input, width: 64, height: 64 });
    expect(runs).toBe(0);
  });
});

const io: Pick<ModelSpec, 'inputs' | 'outputs'> = {
  inputs: [{ name: 'x', dims: ['N', 3, 8, 8] }],
  outputs: [{ name: 'y' }],
};

const parsed = (spec: Partial<ModelSpec>) => parseModel(buildModel({ nodes: [], ...io, ...spec }));

async function foldedFacts(spec: Partial<ModelSpec>, options: Partial<ProbeOptions> = {}) {
  const graph = parsed(spec);
  const { facts, runs } = await compared(graph, { input: describeInput(graph), ...options });
  expect(runs).toBe(0);
  return facts;
}

/** x as tokens, [N, 64, 3], by the shape of x; the class token is expanded as torch exports it. */
const tokens: Pick<ModelSpec, 'nodes'> & { initializers: NonNullable<ModelSpec['initializers']> } = {
  nodes: [
    makeNode('Shape', ['x'], ['s']),
    makeNode('Gather', ['s', 'i0'], ['n'], { axis: 0 }),
    makeNode('Gather', ['s', 'i1'], ['c'], { axis: 0 }),
    makeNode('Unsqueeze', ['n', 'v0'], ['n1']),
    makeNode('Unsqueeze', ['c', 'v0'], ['c1']),
    makeNode('Concat', ['n1', 'c1', 'rest'], ['to'], { axis: 0 }),
    makeNode('Reshape', ['x', 'to'], ['r']),
    makeNode('Transpose', ['r'], ['t'], { perm: [0, 2, 1] }),
    makeNode('Concat', ['n1', 'keep', 'keep'], ['wish'], { axis: 0 }),
    makeNode('Shape', ['wish'], ['length']),
    makeNode('ConstantOfShape', ['length'], ['blank']),
    makeNode('Cast', ['blank'], ['zeros'], { to: 7 }),
    makeNode('Equal', ['wish', 'keep'], ['kept']),
    makeNode('Where', ['kept', 'zeros', 'wish'], ['target0']),
    makeNode('Max', ['target0', 'ones'], ['target']),
    makeNode('Expand', ['token', 'target'], ['tokens']),
    makeNode('Concat', ['tokens', 't'], ['all'], { axis: 1 }),
  ],
  initializers: {
    i0: { dims: [], type: 'int64', data: [0] },
    i1: { dims: [], type: 'int64', data: [1] },
    v0: int64(0),
    rest: int64(64),
    keep: int64(-1),
    ones: int64(1, 1, 1),
    token: noise([1, 1, 3]),
  },
};

/** One block that reads the shape of what the last one made. */
const block = (from: string, to: string) => [
  makeNode('Shape', [from], [`${to}/s`]),
  makeNode('Gather', [`${to}/s`, 'i0'], [`${to}/n`], { axis: 0 }),
  makeNode('Gather', [`${to}/s`, 'i1'], [`${to}/c`], { axis: 0 }),
  makeNode('Mul', [`${to}/n`, `${to}/c`], [`${to}/nc`]),
  makeNode('Unsqueeze', [`${to}/nc`, 'v0'], [`${to}/nc1`]),
  makeNode('Concat', [`${to}/nc1`, 'keep'], [`${to}/to`], { axis: 0 }),
  makeNode('Reshape', [from, `${to}/to`], [`${to}/r`]),
  makeNode('Relu', [`${to}/r`], [`${to}/a`]),
  makeNode('Reshape', [`${to}/a`, `${to}/s`], [to]),
];

describe('foldShapes', () => {
  it('finds that sizes which inference took for fitting do not', async () => {
    const graph = parsed({
      nodes: [...tokens.nodes, makeNode('Add', ['all', 'positions'], ['y'])],
      initializers: { ...tokens.initializers, positions: noise([1, 37, 3]) },
    });
    await expect(probeFacts(graph, createOrtSession, { input: describeInput(graph) })).rejects.toMatchObject({
      code: 'ERR_RUNTIME',
    });
  });

  it('computes what arithmetic on shapes makes, and nothing else', async () => {
    const facts = await foldedFacts({
      nodes: [...tokens.nodes, makeNode('ReduceMean', ['all'], ['y'], { axes: [1], keepdims: 0 })],
      initializers: tokens.initializers,
    });
    expect(facts.get('n')).toEqual({ type: 'int64', dims: [] });
    expect(facts.get('c')).toEqual({ type: 'int64', dims: [], values: [3] });
    expect(facts.get('length')!.values).toEqual([3]);
    expect(facts.get('all')!.dims).toEqual([-1, 65, 3]);
    expect(facts.get('y')!.dims).toEqual([-1, 3]);
  });

  it('goes on from block to block', async () => {
    const blocks = Array.from({ length: 12 }, (_, i) => block(i === 0 ? 'all' : `b${i - 1}`, `b${i}`)).flat();
    const facts = await foldedFacts({
      nodes: [...tokens.nodes, ...blocks, makeNode('Relu', ['b11'], ['y'])],
      initializers: tokens.initializers,
    });
    expect(facts.get('b11/r')).toEqual({ type: 'float32', dims: [-1, 3], rowsPerImage: 65 });
    expect(facts.get('y')!.dims).toEqual([-1, 65, 3]);
  });

  it('guesses nothing wrong for a batch from another one', async () => {
    const facts = await foldedFacts({
      nodes: [
        ...tokens.nodes,
        // [4, N, 65, 3]: the first axis could follow the batch, but does not.
        makeNode('Unsqueeze', ['all', 'v0'], ['u']),
        makeNode('Shape', ['all'], ['size']),
        makeNode('Concat', ['four', 'size'], ['wide'], { axis: 0 }),
        makeNode('Expand', ['u', 'wide'], ['e']),
        ...block('e', 'b'),
        makeNode('ReduceSum', ['b', 'v0'], ['y'], { keepdims: 0 }),
      ],
      initializers: { ...tokens.initializers, four: int64(4) },
    });
    expect(facts.get('e')!.dims).toEqual([4, -1, 65, 3]);
  });

  it('knows scalars, parts of shapes, counts, and what weights make for the size of the picture', async () => {
    const facts = await foldedFacts({
      nodes: [
        makeNode('ReduceMean', ['x'], ['mean'], { keepdims: 0 }),
        makeNode('Sub', ['x', 'mean'], ['centred']),
        makeNode('Shape', ['x'], ['hw'], { start: -2 }),
        makeNode('Shape', ['x'], ['nc'], { end: -2 }),
        makeNode('Size', ['x'], ['cells']),
        makeNode('Cast', ['hw'], ['hwf'], { to: 1 }),
        makeNode('Div', ['hwf', 'table'], ['factors']),
        makeNode('Concat', ['unit', 'factors'], ['scales'], { axis: 0 }),
        makeNode('Resize', ['positions', '', 'scales'], ['resized'], { mode: 'linear' }),
        makeNode('Add', ['centred', 'resized'], ['y']),
      ],
      initializers: {
        table: { dims: [2], data: [4, 4] },
        unit: { dims: [2], data: [1, 1] },
        positions: noise([1, 3, 4, 4]),
      },
    });
    expect(facts.get('mean')).toEqual({ type: 'float32', dims: [] });
    expect(facts.get('hw')!.values).toEqual([8, 8]);
    expect(facts.get('nc')).toEqual({ type: 'int64', dims: [2] });
    expect(facts.get('cells')).toEqual({ type: 'int64', dims: [] });
    expect(facts.get('scales')!.values).toEqual([1, 1, 2, 2]);
    expect(facts.get('resized')).toEqual({ type: 'float32', dims: [1, 3, 8, 8] });
  });

  it('counts what a mask of weights lets through', async () => {
    const facts = await foldedFacts({
      nodes: [
        makeNode('NonZero', ['mask'], ['where']),
        makeNode('Squeeze', ['where', 'v0'], ['rows']),
        makeNode('Compress', ['table', 'keep'], ['picked'], { axis: 0 }),
        makeNode('Gather', ['x', 'rows'], ['some'], { axis: 2 }),
        makeNode('MatMul', ['some', 'picked'], ['y']),
      ],
      initializers: {
        mask: int64(1, 0, 1, 1, 0, 0, 0, 0),
        v0: int64(0),
        table: noise([10, 4]),
        keep: { dims: [10], type: 'bool', data: Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 0, 0) },
      },
    });
    expect(facts.get('rows')!.values).toEqual([0, 2, 3]);
    expect(facts.get('y')!.dims).toEqual([-1, 3, 3, 4]);
  });

  it('gives another input that shares the batch its size', async () => {
    const facts = await foldedFacts(
      {
        nodes: [makeNode('Unsqueeze', ['bias', 'last'], ['b']), makeNode('Add', ['x', 'b'], ['y'])],
        inputs: [...io.inputs, { name: 'bias', dims: ['N', 3] }],
        initializers: { last: int64(2, 3) },
      },
      { inputs: { bias: { type: 'float32', data: Float32Array.of(1, 2, 3), dims: [1, 3] } } },
    );
    expect(facts.get('bias')!.dims).toEqual([-1, 3]);
  });

  it('takes nothing random for constant', async () => {
    const graph = parsed({
      nodes: [makeNode('RandomUniform', [], ['r'], { shape: [1, 3, 1, 1] }), makeNode('Mul', ['x', 'r'], ['y'])],
    });
    const { facts } = await compared(graph, { input: describeInput(graph) });
    expect(facts.get('r')).toEqual({ type: 'float32', dims: [1, 3, 1, 1] });
  });

  it('infers once where a picture decides sizes, and runs', async () => {
    const graph = parsed({
      nodes: [
        ...tokens.nodes,
        makeNode('NonZero', ['all'], ['where']),
        makeNode('Transpose', ['where'], ['y'], { perm: [1, 0] }),
      ],
      initializers: tokens.initializers,
    });
    const { create, seen } = watched();
    const facts = await probeFacts(graph, create, { input: describeInput(graph) });
    expect(facts.get('all')!.dims).toEqual([-1, 65, 3]);
    expect(facts.get('y')!.dims).toEqual([-1, 3]);
    expect(seen).toEqual({ runs: 2, sessions: 2 });
  });

  it('leaves to a run what inference refuses, save in an attempt, and stops when told', async () => {
    const graph = parsed({
      nodes: [...tokens.nodes, makeNode('Relu', ['all'], ['y'])],
      initializers: tokens.initializers,
    });
    const input = describeInput(graph);
    const { create, seen } = watched();
    const third =
      (error: () => OnnxCamError): CreateSession =>
      async (...of) => {
        const session = await create(...of);
        if (seen.sessions !== 3) return session;
        await session.dispose();
        throw error();
      };
    const refused = third(() => new OnnxCamError('ERR_RUNTIME', 'it does not fit'));
    const facts = await probeFacts(graph, refused, { input });
    expect(seen.runs).toBe(2);
    expect(shown(facts)).toEqual(shown(await probeFacts(graph, createOrtSession, { input })));

    Object.assign(seen, { runs: 0, sessions: 0 });
    await expect(probeFacts(graph, refused, { input, tentative: true })).rejects.toMatchObject({ code: 'ERR_RUNTIME' });
    expect(seen.runs).toBe(0);

    Object.assign(seen, { runs: 0, sessions: 0 });
    const stop = new AbortController();
    const stopped = third(() => {
      stop.abort();
      return new OnnxCamError('ERR_ABORTED', 'stopped');
    });
    await expect(probeFacts(graph, stopped, { input, signal: stop.signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
    expect(seen.runs).toBe(0);
  });

  it('refuses what would end the process before it runs anything', async () => {
    const { create, seen } = watched();
    const graph = parsed({
      nodes: [
        ...tokens.nodes,
        // Five scales for four axes, which inference alone does not count.
        makeNode('Add', ['c', 'i2'], ['five']),
        makeNode('Range', ['i0', 'five', 'i1'], ['counted']),
        makeNode('Cast', ['counted'], ['scales'], { to: 1 }),
        makeNode('Resize', ['x', '', 'scales'], ['y']),
      ],
      initializers: { ...tokens.initializers, i2: { dims: [], type: 'int64', data: [2] } },
    });
    await expect(probeFacts(graph, create, { input: describeInput(graph) })).rejects.toMatchObject({
      code: 'ERR_MODEL_INVALID',
    });
    expect(seen.runs).toBe(0);
  });
});
