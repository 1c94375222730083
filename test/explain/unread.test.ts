import { expect, it } from 'vitest';
import { makeNode } from '../../lib/model/graph/graph.ts';
import { output } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, noiseImage, one } from '../helpers/explain-models.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { Sketch } from '../helpers/sketch.ts';
import { vitModel } from '../helpers/transformer-models.ts';

const open = explainerOpener();
const picture = noiseImage([1, 3, 24, 40]);

it('a map of tokens that the scores do not read says so', async () => {
  const cam = await open(vitModel({ size: [24, 40] }));
  const { status, reason } = one(await cam.explain(picture, { layer: '1/out' }));
  expect({ status, reason }).toEqual({
    status: 'zero',
    reason: expect.stringMatching(/read nothing of the positions of "1\/out"/),
  });
  expect(one(await cam.explain(picture)).status).toBe('ok');
});

it('the reason of an empty map tells negative values, a gradient of zero and a product apart', async () => {
  const s = new Sketch();
  const x = s.relu(s.patches(8));
  const cut = s.op('Clip', [s.linear(s.pool(x), 8, 5), s.scalar(100), s.scalar(200)]);
  const clipped = await open(s.finish(cut));
  const [plain] = flat(await clipped.explain(picture, { target: 1 }));
  expect(plain).toMatchObject({
    status: 'zero',
    reason: expect.stringMatching(/score's gradient.*saturated or cut off/),
  });

  // A layer of negative values, which weights above zero leave negative.
  const t = new Sketch();
  const negative = t.op('Neg', [t.op('Abs', [t.patches(8)])]);
  const cam = await open(t.finish(t.op('MatMul', [t.pool(t.op('LeakyRelu', [negative])), t.positive([8, 5])])));
  const reasons = flat(
    await cam.explain(picture, { target: 1, methods: ['grad-cam', 'guided-grad-cam', 'hirescam'] }),
  ).map(({ status, reason }) => `${status}: ${reason}`);
  expect(reasons[0]).toMatch(/^zero: every value is negative/);
  expect(reasons[1]).toMatch(
    /^zero: every value is zero: guided backpropagation and the other method's map are multiplied/,
  );
});

/** Two heads on branches of their own behind a common stem: `a` [N,5] and `b` [N,4]. */
function twoHeads() {
  const head = (name: string, classes: number) => [
    makeNode('Conv', ['s', 'wc'], [`${name} c`], { strides: [2, 2] }),
    makeNode('Relu', [`${name} c`], [`${name} r`]),
    makeNode('GlobalAveragePool', [`${name} r`], [`${name} p`]),
    makeNode('Flatten', [`${name} p`], [`${name} f`]),
    makeNode('Gemm', [`${name} f`, `w${classes}`], [name], { transB: 1 }),
  ];
  return buildModel({
    nodes: [
      makeNode('Conv', ['x', 'w'], ['c'], { strides: [2, 2] }),
      makeNode('Relu', ['c'], ['s']),
      ...head('a', 5),
      ...head('b', 4),
    ],
    inputs: [{ name: 'x', dims: ['N', 3, 24, 40] }],
    outputs: [
      { name: 'a', dims: ['N', 5] },
      { name: 'b', dims: ['N', 4] },
    ],
    initializers: { w: noise([8, 3, 2, 2], 1), wc: noise([8, 8, 2, 2], 2), w5: noise([5, 8], 3), w4: noise([4, 8], 4) },
  });
}

it('the layer is chosen for the output that the target names', async () => {
  const cam = await open(twoHeads());
  const methods = ['grad-cam', 'eigen-cam', 'ablation-cam'];
  const layersOf = async (target: Parameters<typeof output>[1] | ReturnType<typeof output>) =>
    flat(await cam.explain(picture, { methods, target })).map(({ layer, status }) => [
      (layer as { name: string }).name,
      status,
    ]);
  expect(new Set((await layersOf(output('a', 1))).map(([name]) => name))).toEqual(new Set(['a r']));
  const other = await layersOf(output('b', 1));
  expect(new Set(other.map(([name]) => name))).toEqual(new Set(['b r']));
  expect([...cam.unsupported(methods, { target: output('b', 1) })]).toEqual([]);
  const loaded = await open(twoHeads(), { output: 'b' });
  const [first] = flat(await cam.explain(picture, { target: output('b', 1) }));
  expect(one(await loaded.explain(picture, { target: 1 })).map).toEqual(first!.map);
  const both = (await cam.explain([picture, picture], { target: [output('a', 1), output('b', 1)] })) as {
    layer: { name: string };
  }[];
  expect(both.map(({ layer }) => layer.name)).toEqual(['a r', 'b r']);
  const done: (readonly [number, number])[] = [];
  const onProgress = (progress: { done: number; total: number }) => done.push([progress.done, progress.total]);
  const target = [output('b', 1), output('a', 1), output('b', 2)];
  const several = flat(await cam.explain(picture, { target, onProgress })) as unknown as typeof both;
  expect(several.map(({ layer }) => layer.name)).toEqual(['b r', 'a r', 'b r']);
  expect(done).toEqual([[1, 1]]);
});

it('a method of one stream of tokens is refused where there are several, with their names', async () => {
  const s = new Sketch();
  const towers = [0, 1].map(() => s.pick(s.norm(s.encoder(s.withClass(s.tokens(s.patches(8), 8), 8), 8), 8), 1, 0));
  const cam = await open(s.classify(s.op('Add', towers), 8));
  const names = cam.layers().flatMap(({ name, chosen }) => (chosen ? [name] : []));
  await expectError(
    () => cam.explain(picture, { method: 'vit-recipro-cam' }),
    'ERR_METHOD_UNSUPPORTED',
    '2 branches',
    ...names,
  );
  expect(one(await cam.explain(picture, { method: 'grad-cam', params: { relu: false } })).status).toBe('ok');
});

it('a border that the graph puts around the picture is told', async () => {
  const s = new Sketch();
  const wide = s.op('Pad', ['x', s.ints(0, 0, 12, 20, 0, 0, 12, 20)]);
  const cam = await open(s.classify(s.pool(s.relu(s.patches(8, wide))), 8));
  const warnings = (await cam.explain(picture, { method: 'eigen-cam' })) as { warnings: readonly string[] };
  expect(warnings.warnings.join()).toMatch(/border around the picture/);
  const t = new Sketch();
  const narrow = await open(
    t.classify(t.pool(t.relu(t.conv(t.op('Pad', ['x', t.ints(0, 0, 1, 1, 0, 0, 1, 1)]), 3, 8, 3, 1))), 8),
  );
  expect(one(await narrow.explain(picture, { method: 'eigen-cam' })).warnings).toEqual([]);
});
