import { describe, expect, it } from 'vitest';
import { type GraphNode, makeNode } from '../../lib/model/graph/graph.ts';
import { image, network } from '../helpers/choice-networks.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one } from '../helpers/explain-models.ts';
import { int64, noise, type ValueSpec, type WeightSpec } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
type Weights = Readonly<Record<string, WeightSpec>>;

const after = (
  nodes: readonly GraphNode[],
  outputs: readonly string[],
  { batch, ...weights }: Weights & { batch?: never } = {},
  fixed = false,
) => network(nodes, { outputs: outputs.map(name => ({ name })), weights, batch: fixed ? 1 : 'N' });

async function explained(model: Uint8Array, options = {}) {
  const cam = await open(model, options);
  return one(await cam.explain(image));
}

describe('of several heads', () => {
  const other = makeNode('Gemm', ['v', 'wb'], ['y2'], { transB: 1 });
  const wb = noise([2, 8], 5);

  it('what is called logits is taken before probabilities of something else', async () => {
    const nodes = [other, makeNode('Softmax', ['y2'], ['gender']), makeNode('Identity', ['z'], ['logits'])];
    const { predictions, warnings } = await explained(after(nodes, ['gender', 'logits'], { wb }));
    expect(predictions.length).toBe(5);
    expect(warnings.join()).toMatch(/"logits" \[N,6\] is explained, not "gender" \[N,2\]/);
  });

  it('the domain of domain adaptation and the gate of experts are no classes', async () => {
    const domain = [other, makeNode('Softmax', ['y2'], ['domain_out']), makeNode('Identity', ['z'], ['class_out'])];
    expect((await explained(after(domain, ['domain_out', 'class_out'], { wb }))).predictions.length).toBe(5);
    const gate = [
      other,
      makeNode('Softmax', ['y2'], ['g']),
      makeNode('Gemm', ['v', 'we'], ['experts'], { transB: 1 }),
      makeNode('Reshape', ['experts', 'each'], ['stacked']),
      makeNode('Unsqueeze', ['g', 'last'], ['gates']),
      makeNode('Mul', ['stacked', 'gates'], ['weighed']),
      makeNode('ReduceSum', ['weighed', 'first'], ['y'], { keepdims: 0 }),
    ];
    const weights = { wb, we: noise([12, 8], 6), each: int64(0, 2, 6), last: int64(2), first: int64(1) };
    expect((await explained(after(gate, ['g', 'y'], weights))).warnings.join()).toMatch(/"y" .*is explained, not "g"/);
  });

  it('of equal heads the one that lies deepest, wherever it stands: auxiliary ones leave earlier', async () => {
    const nodes = [
      makeNode('Conv', ['a', 'w2'], ['c2']),
      makeNode('Relu', ['c2'], ['a2']),
      makeNode('GlobalAveragePool', ['a2'], ['p2']),
      makeNode('Flatten', ['p2'], ['v2']),
      makeNode('Gemm', ['v2', 'wf'], ['y2'], { transB: 1 }),
    ];
    for (const outputs of [
      ['z', 'y2'],
      ['y2', 'z'],
    ]) {
      const { warnings, layer } = await explained(after(nodes, outputs, { w2: noise([8, 8, 1, 1], 6) }));
      expect(warnings.join()).toMatch(/"y2" .*is explained, not "z"/);
      expect(layer).toMatchObject({ name: 'a2' });
    }
  });
});

describe('features without a name that says so', () => {
  const ones = (count: number) => ({ dims: [count], data: new Float32Array(count).fill(1) });
  const statistics = { s: ones(6), b: noise([6], 5), mu: noise([6], 6), var: ones(6) };

  it.each<[string, GraphNode[], Weights]>([
    ['batch normalisation', [makeNode('BatchNormalization', ['z', 's', 'b', 'mu', 'var'], ['683'])], statistics],
    ['layer normalisation', [makeNode('LayerNormalization', ['z', 's', 'b'], ['683'])], statistics],
    [
      'means of a residual sum',
      [
        makeNode('Conv', ['a', 'w2'], ['c2']),
        makeNode('Add', ['a', 'c2'], ['sum']),
        makeNode('Relu', ['sum'], ['r2']),
        makeNode('GlobalAveragePool', ['r2'], ['p2']),
        makeNode('Flatten', ['p2'], ['683']),
      ],
      { w2: noise([8, 8, 1, 1], 6) },
    ],
  ])('%s at the end', async (_, nodes, weights) => {
    const { warnings, target } = await explained(after(nodes, ['683'], weights));
    expect(warnings.join()).toMatch(/"683" looks like features.*similarity\(picture\)/);
    expect(target.probability).toBeNull();
  });

  it('maps of classes that are averaged are classes', async () => {
    const nodes = [
      makeNode('Conv', ['a', 'w2'], ['c2']),
      makeNode('Relu', ['c2'], ['r2']),
      makeNode('GlobalAveragePool', ['r2'], ['p2']),
      makeNode('Flatten', ['p2'], ['683']),
    ];
    const { warnings, target } = await explained(after(nodes, ['683'], { w2: noise([5, 8, 1, 1], 6) }));
    expect(warnings).toEqual([]);
    expect(target.probability).toBeGreaterThan(0);
  });

  it('a length that features have is pointed out, unless a name, labels or a Softmax say classes', async () => {
    const made = (name: string) => [makeNode('Gemm', ['v', 'w5'], [name], { transB: 1 })];
    const weights = { w5: noise([128, 8], 5) };
    const { warnings } = await explained(after(made('output'), ['output'], weights));
    expect(warnings.join()).toMatch(/nothing says that the 128 values .*labels.*similarity\(picture\)/);
    const labels = Array.from({ length: 128 }, (_, k) => `class ${k}`);
    expect((await explained(after(made('output'), ['output'], weights), { labels })).warnings).toEqual([]);
    expect((await explained(after(made('logits'), ['logits'], weights))).warnings).toEqual([]);
    const softmax = [...made('y'), makeNode('Softmax', ['y'], ['output'])];
    expect((await explained(after(softmax, ['output'], weights))).warnings).toEqual([]);
  });
});

it('coordinates have no probability, and the result says what they are', async () => {
  for (const name of ['bbox', 'landmarks']) {
    const { warnings, target } = await explained(after([makeNode('Sigmoid', ['z'], [name])], [name]));
    expect(warnings.join()).toMatch(new RegExp(`"${name}" looks like coordinates`));
    expect(target.probability).toBeNull();
  }
});

describe('positions are no classes', () => {
  const map = [makeNode('Conv', ['a', 'w1'], ['m'])];
  const w1 = noise([1, 8, 1, 1], 5);
  const all = int64(0, -1);

  it.each<[string, GraphNode[], Weights]>([
    ['[N,h,w]', [makeNode('Squeeze', ['m', 'axis'], ['y'])], { axis: int64(1) }],
    ['[N,A,1]', [makeNode('Reshape', ['m', 'flat'], ['y'])], { flat: int64(0, -1, 1) }],
    ['[N,A]', [makeNode('Reshape', ['m', 'all'], ['y'])], { all }],
  ])('in %s', async (_, nodes, weights) => {
    const model = after([...map, ...nodes], ['y'], { w1, ...weights });
    const cam = await open(model);
    await expectError(() => cam.predict(image), 'ERR_MODEL_UNSUPPORTED', 'many positions', 'segmentation(');
    const segmentation = { kind: 'segmentation', classIndex: 0, region: 'predicted' } as never;
    expect(one(await cam.explain(image, { target: segmentation })).target.index).toBe(0);
    const second = { kind: 'segmentation', classIndex: 1, region: 'predicted' } as never;
    await expectError(() => cam.explain(image, { target: second }), 'ERR_TARGET_RANGE', '1 class');
  });

  it.each([false, true])('where those of all pictures are in one axis (one picture: %s)', async fixed => {
    const model = after([...map, makeNode('Reshape', ['m', 'flat'], ['y'])], ['y'], { w1, flat: int64(-1, 1) }, fixed);
    const cam = await open(model);
    for (const call of [() => cam.predict(image), () => cam.explain(image)])
      await expectError(call, 'ERR_MODEL_UNSUPPORTED', 'positions');
  });

  it('the largest of them is a score', async () => {
    const nodes = [
      ...map,
      makeNode('Reshape', ['m', 'all'], ['r']),
      makeNode('ReduceMax', ['r'], ['pred_score'], { axes: [1], keepdims: 0 }),
      makeNode('Identity', ['m'], ['anomaly_map']),
    ];
    const cam = await open(after(nodes, ['anomaly_map', 'pred_score'], { w1, all }));
    expect((await cam.predict(image, { topK: 9 })).length).toBe(1);
    expect(one(await cam.explain(image)).warnings.join()).toMatch(/"pred_score" \[N\] is explained/);
  });

  it('only outputs with a score for each class are proposed instead', async () => {
    const maps = [...map, makeNode('Sigmoid', ['m'], ['d0']), makeNode('Relu', ['m'], ['d1'])];
    const outputs: ValueSpec[] = [{ name: 'd0' }, { name: 'd1' }];
    const alone = await open(network(maps, { outputs, weights: { w1 } }));
    const error = await alone.predict(image).catch(error => error);
    expect(error.message).not.toMatch(/output`/);
    const both = await open(network(maps, { outputs: [...outputs, { name: 'z' }], weights: { w1 } }), { output: 'd0' });
    await expectError(() => both.predict(image), 'ERR_MODEL_UNSUPPORTED', '--output NAME', '"z"');
  });
});

it('the classes of a single picture stay together where a Reshape writes their number', async () => {
  const nodes = [makeNode('Reshape', ['z', 'six'], ['y'])];
  const cam = await open(after(nodes, ['y'], { six: int64(6) }, true));
  const plain = await open(after([], ['z']));
  const { predictions, target } = one(await cam.explain(image));
  expect(predictions).toEqual(one(await plain.explain(image)).predictions);
  expect(target.probability).toBeGreaterThan(0);
  expect((await cam.explain([image, noiseImage([1, 3, 16, 16], 7)])).length).toBe(2);
});
