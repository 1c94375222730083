import { describe, expect, it } from 'vitest';
import { findAttentions } from '../../../lib/model/find/attention.ts';
import { type Axes, newAxis, regroup, tokenAxis, tokensOf } from '../../../lib/model/find/axes.ts';
import { chooseCut, stageLayers } from '../../../lib/model/find/choose-layer.ts';
import { traceAxes } from '../../../lib/model/find/trace-axes.ts';
import { type GraphNode, makeNode } from '../../../lib/model/graph/graph.ts';
import { load } from '../../helpers/load.ts';
import { buildModel, int64, noise, type WeightSpec } from '../../helpers/model-builder.ts';
import { type VitOptions, vitModel } from '../../helpers/transformer-models.ts';

describe('regroup', () => {
  const kinds = (axes: Axes | undefined) => axes?.map(axis => axis.map(({ kind, size }) => `${kind}${size}`).join('·'));
  const map = [newAxis('batch', -1), newAxis('row', 6), newAxis('column', 4), newAxis('channel', 10)];

  it('joins rows and columns to tokens and takes them apart again', () => {
    const tokens = regroup(map, [-1, 24, 10])!;
    expect(tokensOf(tokens[1]!)).toEqual({ grid: [6, 4], prefix: 0 });
    expect(kinds(regroup(tokens, [-1, 6, 4, 10]))).toEqual(['batch-1', 'row6', 'column4', 'channel10']);
  });

  it('follows windows: split, reordered, joined with the batch, and back', () => {
    const split = regroup(map, [-1, 3, 2, 2, 2, 10])!;
    expect(kinds(split)).toEqual(['batch-1', 'row3', 'row2', 'column2', 'column2', 'channel10']);
    const [b, high, low, left, right, c] = split as [Axes[0], Axes[0], Axes[0], Axes[0], Axes[0], Axes[0]];
    const windows = regroup([b, high, left, low, right, c], [-1, 4, 10])!;
    expect(kinds(windows)).toEqual(['batch-1·row3·column2', 'row2·column2', 'channel10']);
    const [, highBack, leftBack, lowBack, rightBack] = regroup(windows, [-1, 3, 2, 2, 2, 10])! as Axes;
    const whole = regroup([b, highBack!, lowBack!, leftBack!, rightBack!, c], [-1, 6, 4, 10]);
    expect(kinds(whole)).toEqual(['batch-1', 'row6', 'column4', 'channel10']);
    // In another order they are no rows again.
    expect(kinds(regroup([b, lowBack!, highBack!, leftBack!, rightBack!, c], [-1, 6, 4, 10]))![1]).toBe('row2·row3');
  });

  it('cuts windows again elsewhere, as an exporter does that leaves out the whole map between two partitions', () => {
    const columns = [newAxis('batch', -1), newAxis('channel', 10), newAxis('row', 6), newAxis('column', 6)];
    const windows = regroup(columns, [-1, 10, 3, 2, 3, 2])!;
    const grid = regroup(windows, [-1, 10, 2, 3, 2, 3])!;
    expect(kinds(grid)).toEqual(['batch-1', 'channel10', 'row2', 'row3', 'column2', 'column3']);
    expect(kinds(regroup(grid, [-1, 10, 6, 6]))).toEqual(['batch-1', 'channel10', 'row6', 'column6']);
  });

  it('gives up where sizes do not fit, and on tokens behind a class token', () => {
    expect(regroup(map, [-1, 5, 48])).toBeUndefined();
    expect(regroup(map, [-1, -1, 10])).toBeUndefined();
    expect(regroup([[], tokenAxis(25, { grid: [6, 4], prefix: 1 })], [5, 5])).toBeUndefined();
  });
});

describe('vision transformers', () => {
  it.each<[string, VitOptions, [number, number], number]>([
    ['class token', {}, [3, 5], 1],
    ['no class token', { prefix: 0, pool: 'mean' }, [3, 5], 0],
    ['distillation token', { prefix: 2, size: [16, 8] }, [4, 2], 2],
    ['registers, normalisation in pieces', { prefix: 5, pieces: true }, [3, 5], 5],
    ['normalisation by the root mean square, in pieces', { pieces: 'root mean square' }, [3, 5], 1],
    ['scaled before, relative bias, fixed batch', { scale: 'before', bias: true, batch: 1, size: [8, 8] }, [2, 2], 1],
  ])('%s: grid and layer', async (_name, options, grid, prefix) => {
    const { chosen, layers, graph, facts, input } = await load(vitModel({ blocks: 3, ...options }));
    expect(chosen).toMatchObject({
      name: '2/norm1',
      layout: 'tokens',
      tokens: { grid, prefix },
      spatial: grid,
      channels: 8,
    });
    expect(chosen!.reason).toMatch(/^normalised input of the last attention/);
    expect(layers.every(({ layout, tokens }) => layout !== 'tokens' || tokens)).toBe(true);
    expect(layers.filter(({ normalized }) => normalized).map(({ name }) => name)).toEqual(
      ['0', '1', '2'].flatMap(i => [`${i}/norm1`, `${i}/norm2`]).concat('norm'),
    );
    // Heads, attention matrices and pieces of normalisations are none.
    expect(layers.filter(({ name }) => /heads|scores|probabilities|seen|unit|centred|square/.test(name))).toEqual([]);
    expect(chooseCut(layers)).toMatchObject({ name: '1/out', dominating: true });
    expect(stageLayers(layers).map(({ name }) => name)).toEqual(['2/norm1']);
    const attentions = findAttentions(graph, facts, traceAxes(graph, facts, input));
    expect(attentions.map(({ tensor }) => tensor)).toEqual(['0', '1', '2'].map(i => `${i}/probabilities`));
    for (const { keys, queries, global } of attentions)
      expect({ keys, queries, global }).toEqual({ keys: { grid, prefix }, queries: { grid, prefix }, global: true });
  });
});

/** From a map `m` [N,6,4,8] (channels last) to `a` of the same layout, pooled. */
function mapsModel(nodes: GraphNode[], initializers: Record<string, WeightSpec>) {
  return buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { kernel_shape: [2, 2], strides: [2, 2] }),
      makeNode('Transpose', ['c'], ['m'], { perm: [0, 2, 3, 1] }),
      ...nodes,
      makeNode('ReduceMean', ['a'], ['p'], { axes: [1, 2], keepdims: 0 }),
      makeNode('Gemm', ['p', 'wf'], ['y']),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 12, 8] }],
    outputs: [{ name: 'y', dims: ['N', 5] }],
    initializers: { w: noise([8, 3, 2, 2]), wf: noise([8, 5]), g: noise([8], 3), ...initializers },
  });
}

it('takes the normalised maps, channels last, before attention in windows', async () => {
  const { chosen, layers, graph, facts, input } = await load(
    mapsModel(
      [
        makeNode('LayerNormalization', ['m', 'g'], ['n']),
        makeNode('Reshape', ['n', 'cut'], ['n1']),
        makeNode('Transpose', ['n1'], ['n2'], { perm: [0, 1, 3, 2, 4, 5] }),
        makeNode('Reshape', ['n2', 'windows'], ['v']),
        makeNode('MatMul', ['v', 'wq'], ['q']),
        makeNode('Transpose', ['v'], ['k'], { perm: [0, 2, 1] }),
        makeNode('MatMul', ['q', 'k'], ['s']),
        makeNode('Softmax', ['s'], ['t'], { axis: -1 }),
        makeNode('MatMul', ['t', 'v'], ['o']),
        makeNode('Reshape', ['o', 'back'], ['o1']),
        makeNode('Transpose', ['o1'], ['o2'], { perm: [0, 1, 3, 2, 4, 5] }),
        makeNode('Reshape', ['o2', 'whole'], ['o3']),
        makeNode('Add', ['m', 'o3'], ['r']),
        makeNode('LayerNormalization', ['r', 'g'], ['a']),
      ],
      {
        cut: int64(-1, 3, 2, 2, 2, 8),
        windows: int64(-1, 4, 8),
        back: int64(-1, 3, 2, 2, 2, 8),
        whole: int64(-1, 6, 4, 8),
        wq: noise([8, 8]),
      },
    ),
  );
  expect(chosen).toMatchObject({ name: 'n', layout: 'nhwc', spatial: [6, 4], channels: 8, normalized: true });
  expect(layers.map(({ name, layout }) => [name, layout])).toEqual([
    ['c', 'nchw'],
    ['m', 'nhwc'],
    ['n', 'nhwc'],
    ['r', 'nhwc'],
    ['a', 'nhwc'],
  ]);
  const [attention] = findAttentions(graph, facts, traceAxes(graph, facts, input));
  expect(attention).toMatchObject({ tensor: 't', global: false });
  expect(chooseCut(layers)).toMatchObject({ name: 'm' });
});

it('takes the normalised maps before they are turned for shifted windows', async () => {
  const { chosen, graph, facts, input } = await load(
    mapsModel(
      [
        makeNode('LayerNormalization', ['m', 'g'], ['n']),
        makeNode('Slice', ['n', 'one', 'many', 'axis'], ['later']),
        makeNode('Slice', ['n', 'zero', 'one', 'axis'], ['earlier']),
        makeNode('Concat', ['later', 'earlier'], ['rolled'], { axis: 1 }),
        makeNode('Reshape', ['rolled', 'cut'], ['n1']),
        makeNode('Transpose', ['n1'], ['n2'], { perm: [0, 1, 3, 2, 4, 5] }),
        makeNode('Reshape', ['n2', 'windows'], ['v']),
        makeNode('Transpose', ['v'], ['k'], { perm: [0, 2, 1] }),
        makeNode('MatMul', ['v', 'k'], ['s']),
        makeNode('Softmax', ['s'], ['t'], { axis: -1 }),
        makeNode('MatMul', ['t', 'v'], ['o']),
        makeNode('Reshape', ['o', 'cut'], ['o1']),
        makeNode('Transpose', ['o1'], ['o2'], { perm: [0, 1, 3, 2, 4, 5] }),
        makeNode('Reshape', ['o2', 'whole'], ['o3']),
        makeNode('Slice', ['o3', 'minus', 'many', 'axis'], ['last']),
        makeNode('Slice', ['o3', 'zero', 'minus', 'axis'], ['first']),
        makeNode('Concat', ['last', 'first'], ['o4'], { axis: 1 }),
        makeNode('Add', ['m', 'o4'], ['a']),
      ],
      {
        one: int64(1),
        minus: int64(-1),
        zero: int64(0),
        many: int64(100),
        axis: int64(1),
        cut: int64(-1, 3, 2, 2, 2, 8),
        windows: int64(-1, 4, 8),
        whole: int64(-1, 6, 4, 8),
      },
    ),
  );
  expect(chosen).toMatchObject({ name: 'n', normalized: true });
  expect(findAttentions(graph, facts, traceAxes(graph, facts, input))).toHaveLength(1);
});

it('takes the whole map behind blocks whose normalisation is inside windows, not what enters the first of them', async () => {
  const { chosen } = await load(
    mapsModel(
      [
        makeNode('Reshape', ['m', 'cut'], ['n1']),
        makeNode('Transpose', ['n1'], ['n2'], { perm: [0, 1, 3, 2, 4, 5] }),
        makeNode('Reshape', ['n2', 'windows'], ['z']),
        makeNode('LayerNormalization', ['z', 'g'], ['v']),
        makeNode('Transpose', ['v'], ['k'], { perm: [0, 1, 3, 2] }),
        makeNode('MatMul', ['v', 'k'], ['s']),
        makeNode('Softmax', ['s'], ['t'], { axis: -1 }),
        makeNode('MatMul', ['t', 'v'], ['o']),
        makeNode('Add', ['z', 'o'], ['r']),
        makeNode('Reshape', ['r', 'cut'], ['o1']),
        makeNode('Transpose', ['o1'], ['o2'], { perm: [0, 1, 3, 2, 4, 5] }),
        makeNode('Reshape', ['o2', 'whole'], ['a']),
      ],
      { cut: int64(-1, 3, 2, 2, 2, 8), windows: int64(-1, 6, 4, 8), whole: int64(-1, 6, 4, 8) },
    ),
  );
  expect(chosen).toMatchObject({ name: 'a', layout: 'nhwc', spatial: [6, 4] });
});

it('takes maps put together from windows in which the last features were made', async () => {
  const { chosen, layers } = await load(
    mapsModel(
      [
        makeNode('Reshape', ['m', 'cut'], ['n1']),
        makeNode('Transpose', ['n1'], ['n2'], { perm: [0, 1, 3, 2, 4, 5] }),
        makeNode('Reshape', ['n2', 'windows'], ['v']),
        makeNode('MatMul', ['v', 'wv'], ['q']),
        makeNode('Add', ['v', 'q'], ['r']),
        makeNode('Reshape', ['r', 'cut'], ['r1']),
        makeNode('Transpose', ['r1'], ['r2'], { perm: [0, 1, 3, 2, 4, 5] }),
        makeNode('Reshape', ['r2', 'whole'], ['a']),
      ],
      { cut: int64(-1, 3, 2, 2, 2, 8), windows: int64(-1, 6, 4, 8), whole: int64(-1, 6, 4, 8), wv: noise([8, 8]) },
    ),
  );
  expect(layers.map(({ name }) => name)).toEqual(['c', 'm', 'a']);
  expect(chosen).toMatchObject({ name: 'a', layout: 'nhwc', spatial: [6, 4], channels: 8, postActivation: true });
});

it('does not step over what was made in windows to an activation before them', async () => {
  const { chosen } = await load(
    mapsModel(
      [
        makeNode('Relu', ['m'], ['early']),
        makeNode('Reshape', ['early', 'cut'], ['n1']),
        makeNode('Transpose', ['n1'], ['n2'], { perm: [0, 1, 3, 2, 4, 5] }),
        makeNode('Reshape', ['n2', 'windows'], ['v']),
        makeNode('MatMul', ['v', 'wv'], ['q']),
        makeNode('Reshape', ['q', 'cut'], ['r1']),
        makeNode('Transpose', ['r1'], ['r2'], { perm: [0, 1, 3, 2, 4, 5] }),
        makeNode('Reshape', ['r2', 'whole'], ['r3']),
        makeNode('MatMul', ['r3', 'wv'], ['a']),
      ],
      { cut: int64(-1, 3, 2, 2, 2, 8), windows: int64(-1, 6, 4, 8), whole: int64(-1, 6, 4, 8), wv: noise([8, 8]) },
    ),
  );
  expect(chosen).toMatchObject({ name: 'a', postActivation: false });
});

it('finds attention with channels first: values times transposed probabilities', async () => {
  const { graph, facts, input } = await load(
    mapsModel(
      [
        makeNode('Reshape', ['c', 'columns'], ['v']),
        makeNode('Transpose', ['v'], ['k'], { perm: [0, 2, 1] }),
        makeNode('MatMul', ['k', 'v'], ['s']),
        makeNode('Softmax', ['s'], ['t'], { axis: -1 }),
        makeNode('Transpose', ['t'], ['u'], { perm: [0, 2, 1] }),
        makeNode('MatMul', ['v', 'u'], ['o']),
        makeNode('Reshape', ['o', 'map'], ['o1']),
        makeNode('Transpose', ['o1'], ['o2'], { perm: [0, 2, 3, 1] }),
        makeNode('Add', ['m', 'o2'], ['a']),
      ],
      { columns: int64(-1, 8, 24), map: int64(-1, 8, 6, 4) },
    ),
  );
  const grid = { grid: [6, 4], prefix: 0 };
  const [attention] = findAttentions(graph, facts, traceAxes(graph, facts, input));
  expect(attention).toMatchObject({ tensor: 't', global: true, keys: grid, queries: grid });
});

it('follows rolled maps, merged patches, splits and a sequence back to feature maps', async () => {
  const { layers } = await load(
    mapsModel(
      [
        makeNode('Slice', ['m', 'one', 'many', 'axis'], ['later']),
        makeNode('Slice', ['m', 'zero', 'one', 'axis'], ['earlier']),
        makeNode('Concat', ['later', 'earlier'], ['rolled'], { axis: 1 }),
        makeNode('Relu', ['rolled'], ['turned']),
        makeNode('Slice', ['turned', 'minus', 'many', 'axis'], ['last']),
        makeNode('Slice', ['turned', 'zero', 'minus', 'axis'], ['first']),
        makeNode('Concat', ['last', 'first'], ['back'], { axis: 1 }),
        makeNode('Reshape', ['back', 'patched'], ['p1']),
        makeNode('Transpose', ['p1'], ['p2'], { perm: [0, 1, 3, 2, 4, 5] }),
        makeNode('Reshape', ['p2', 'merged'], ['p3']),
        makeNode('MatMul', ['p3', 'wm'], ['halved']),
        makeNode('Reshape', ['halved', 'sequence'], ['q']),
        makeNode('Split', ['q'], ['left', 'right'], { axis: 2 }),
        makeNode('Mul', ['left', 'right'], ['gated']),
        makeNode('Einsum', ['gated', 'we'], ['mixed'], { equation: 'btc,cd->btd' }),
        makeNode('Reshape', ['mixed', 'grid'], ['a']),
      ],
      {
        one: int64(1),
        minus: int64(-1),
        zero: int64(0),
        many: int64(100),
        axis: int64(1),
        patched: int64(-1, 3, 2, 2, 2, 8),
        merged: int64(-1, 3, 2, 32),
        wm: noise([32, 16]),
        sequence: int64(-1, 6, 16),
        we: noise([8, 8]),
        grid: int64(-1, 3, 2, 8),
      },
    ),
  );
  const found = Object.fromEntries(layers.map(({ name, layout, spatial }) => [name, [layout, ...spatial].join(' ')]));
  // Where rows are turned, a map would lie beside what it shows.
  expect(Object.keys(found)).not.toEqual(expect.arrayContaining(['rolled']));
  expect(Object.keys(found)).not.toEqual(expect.arrayContaining(['turned']));
  expect(found).toMatchObject({ back: 'nhwc 6 4', halved: 'nhwc 3 2', gated: 'tokens 3 2', mixed: 'tokens 3 2' });
});
