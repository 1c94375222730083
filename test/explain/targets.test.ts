import { beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import {
  binary,
  classIndex,
  contrast,
  label,
  logProbability,
  negative,
  output,
  probability,
  regression,
  rest,
  type TargetInput,
  topK,
  weighted,
} from '../../lib/targets/index.ts';
import { softmax } from '../../lib/targets/score.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import {
  flat,
  noiseImage,
  one,
  plainModel,
  plainSpec,
  positiveTensor,
  transparentModel,
} from '../helpers/explain-models.ts';
import { buildModel, noise } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { expectDerivativeOfScore } from '../helpers/score-derivative.ts';

const open = explainerOpener();

const image = positiveTensor([1, 3, 4, 4]);

describe('the value that is differentiated', () => {
  let cam: Explainer;
  let top: number;
  beforeAll(async () => {
    cam = await open(transparentModel());
    top = (await cam.predict(positiveTensor([1, 3, 4, 4])))[0]!.index;
  });

  const targets: [string, TargetInput][] = [
    ['a class', 2],
    ['top1', 'top1'],
    ['negative', negative(2)],
    ['contrast', contrast(1, 3, 0.5)],
    ['contrast of the best class and another', contrast('top1', classIndex(4))],
    [
      'weighted',
      weighted([
        [0, 0.25],
        [2, -2],
        ['top1', 1.5],
      ]),
    ],
    ['probability', probability(1)],
    ['probability of the best class', probability('top1')],
    ['log probability', logProbability(1)],
    ['rest', rest(3)],
    ['differences of probabilities', contrast(probability(2), probability('top1'))],
    [
      'logit and probability mixed',
      weighted([
        [1, 1],
        [probability(1), 3],
        [rest(0), -0.5],
      ]),
    ],
  ];
  for (const [what, target] of targets)
    it(`${what}: gradients are those of the score`, () => expectDerivativeOfScore(cam, image, target));

  it('reports the score of each target', async () => {
    const image = positiveTensor([1, 3, 4, 4]);
    const predictions = await cam.predict(image, { topK: 5 });
    const logits = Array.from({ length: 5 }, (_, i) => predictions.find(({ index }) => index === i)!.score);
    const p = softmax(logits);
    const score = async (target: TargetInput) => one(await cam.explain(image, { target })).target.score;
    const expected: [TargetInput, number][] = [
      [3, logits[3]!],
      ['top1', Math.max(...logits)],
      [negative(3), -logits[3]!],
      [contrast(1, 3, 0.5), logits[1]! - 0.5 * logits[3]!],
      [
        weighted([
          [0, 0.25],
          [2, -2],
        ]),
        0.25 * logits[0]! - 2 * logits[2]!,
      ],
      [probability(1), p[1]!],
      [logProbability(1), Math.log(p[1]!)],
      [rest(3), logits[3]! + Math.log(p[3]!)],
      [contrast('top1', 4), Math.max(...logits) - logits[4]!],
      [negative(probability('top1')), -Math.max(...p)],
    ];
    for (const [target, value] of expected) expect(await score(target)).toBeCloseTo(value, 5);
  });

  it('says index, kind and probability', async () => {
    const image = positiveTensor([1, 3, 4, 4]);
    const describe = async (target: TargetInput) => one(await cam.explain(image, { target })).target;
    const { index, kind, probability: p, label: name } = await describe(contrast('top1', 4));
    expect({ index, kind, name }).toEqual({ index: top, kind: 'contrast', name: null });
    expect(p).toBeCloseTo((await cam.predict(image))[0]!.probability!, 6);
    expect((await describe(negative(2))).kind).toBe('negative');
    expect((await describe(probability(2))).kind).toBe('probability');
    expect((await describe(rest(2))).kind).toBe('rest');
    expect((await describe(2)).kind).toBe('class');
    expect(await describe(regression(2))).toMatchObject({ kind: 'regression', probability: null });
  });

  it('has the same gradients for several targets of one image as for each alone', async () => {
    const image = positiveTensor([1, 3, 4, 4]);
    const together = flat(await cam.explain(image, { target: topK(5), method: 'hirescam', layer: 'a' }));
    expect(together[0]!.runs.network).toBe(1);
    for (const { target, raw } of together) {
      const alone = one(await cam.explain(image, { target: target.index, method: 'hirescam', layer: 'a' }));
      expectClose(raw.data, alone.raw.data, 1e-5);
      expect(target.score).toBeCloseTo(alone.target.score, 5);
    }
  });
});

describe('the final activation is looked through', () => {
  const image = positiveTensor([1, 3, 4, 4]);
  for (const end of ['Softmax', 'LogSoftmax', 'Sigmoid'])
    it(end, async () => {
      const plain = one(await (await open(transparentModel())).explain(image, { target: 1 }));
      const cam = await open(transparentModel({ end }));
      const ended = one(await cam.explain(image, { target: 1 }));
      expectClose(ended.raw.data, plain.raw.data, 1e-5);
      expect(ended.target.score).toBeCloseTo(plain.target.score, 5);
      const expected = end === 'Sigmoid' ? 1 / (1 + Math.exp(-plain.target.score)) : plain.target.probability!;
      expect(ended.target.probability).toBeCloseTo(expected, 5);
      await expectDerivativeOfScore(cam, image, probability(1));
      await expectDerivativeOfScore(cam, image, logProbability(1));
      await expectDerivativeOfScore(cam, image, rest(1));
    });

  it('in heads that are convolutions, [N,K,1,1]', async () => {
    const input = noiseImage([2, 3, 16, 16]);
    const same = { wf: { dims: [5, 8], data: noise([5, 8], 23).data }, bf: { dims: [5], data: new Float32Array(5) } };
    const linear = flat(await (await open(plainModel({ weights: same }))).explain(input, { target: [1, 4] }));
    for (const end of [undefined, 'Softmax'] as const) {
      const cam = await open(plainModel({ convolutional: true, end }));
      const results = flat(await cam.explain(input, { target: [1, 4] }));
      results.forEach(({ raw, target }, n) => {
        expectClose(raw.data, linear[n]!.raw.data, 1e-5);
        expect(target.score).toBeCloseTo(linear[n]!.target.score, 5);
        expect(target.probability).toBeCloseTo(linear[n]!.target.probability!, 5);
      });
      const dense = one(await cam.explain(noiseImage([1, 3, 16, 16]), { target: contrast(0, 1) }));
      expect(dense.status).not.toBe('not-finite');
    }
  });
});

describe('heads with one value', () => {
  const image = positiveTensor([1, 3, 4, 4]);

  it('binary takes the two sides of the only logit', async () => {
    for (const end of ['Identity', 'Sigmoid']) {
      const cam = await open(transparentModel({ classes: 1, end }));
      const yes = one(await cam.explain(image, { target: binary(1), params: { relu: false } }));
      const no = one(await cam.explain(image, { target: binary(0), params: { relu: false } }));
      expect(no.target.score).toBeCloseTo(-yes.target.score, 6);
      expectClose(
        no.raw.data,
        yes.raw.data.map(value => -value),
        1e-6,
      );
      const p = 1 / (1 + Math.exp(-yes.target.score));
      expect(yes.target).toMatchObject({ kind: 'binary', probability: expect.closeTo(p, 5) });
      expect(no.target).toMatchObject({ kind: 'binary', probability: expect.closeTo(1 - p, 5) });
      await expectDerivativeOfScore(cam, image, binary(0));
      await expectDerivativeOfScore(cam, image, probability(binary(1)));
    }
  });

  it('every view of category 0 is that of the negated logit', async () => {
    const cam = await open(transparentModel({ classes: 1, end: 'Sigmoid' }));
    const z = one(await cam.explain(image, { target: binary(1) })).target.score;
    const p = 1 / (1 + Math.exp(z));
    const scored = async (target: TargetInput) => {
      await expectDerivativeOfScore(cam, image, target, { step: 1 / 128, least: 0, absolute: 1e-4 });
      return one(await cam.explain(image, { target })).target;
    };
    expect(await scored(probability(binary(0)))).toMatchObject({
      score: expect.closeTo(p, 6),
      probability: expect.closeTo(p, 6),
    });
    expect((await scored(logProbability(binary(0)))).score).toBeCloseTo(Math.log(p), 5);
    expect((await scored(rest(binary(0)))).score).toBeCloseTo(Math.log(p) - z, 5);
    // Methods that read probabilities where the user says none.
    const score = { method: 'score-cam', params: { mode: 'official' }, layer: 'a' };
    const { raw, status } = one(await cam.explain(image, { ...score, target: binary(0) }));
    expect(status).toBe('ok');
    expect(Math.min(...raw.data)).toBeGreaterThanOrEqual(0);
  });

  it('a value without Sigmoid is a regression, which has no probability', async () => {
    const cam = await open(transparentModel({ classes: 1 }));
    expect(one(await cam.explain(image)).target).toMatchObject({ index: 0, probability: null });
    expect(one(await cam.explain(image, { target: regression(0) })).target).toMatchObject({
      kind: 'regression',
      probability: null,
    });
    expect((await cam.predict(image))[0]).toMatchObject({ index: 0, probability: null });
  });

  it('a Sigmoid makes it a probability', async () => {
    const cam = await open(transparentModel({ classes: 1, end: 'Sigmoid' }));
    const { score, probability: p } = one(await cam.explain(image)).target;
    expect(p).toBeCloseTo(1 / (1 + Math.exp(-score)), 6);
  });

  it('binary refuses heads of several', async () => {
    const cam = await open(transparentModel());
    await expectError(() => cam.explain(image, { target: binary(1) }), 'ERR_TARGET_RANGE', 'one value per image', '5');
  });
});

describe('several outputs', () => {
  const image = noiseImage([1, 3, 16, 16]);
  const twoHeads = () => {
    const spec = plainSpec();
    return buildModel({
      ...spec,
      nodes: [
        ...spec.nodes,
        makeNode('Gemm', ['f', 'wg'], ['g'], { transB: 1 }),
        makeNode('Sigmoid', ['g'], ['attributes']),
      ],
      outputs: [...spec.outputs, { name: 'attributes', dims: ['N', 3] }],
      initializers: { ...spec.initializers, wg: noise([3, 8], 31) },
    });
  };

  it('output(name, target) and load({ output }) read the same head', async () => {
    const model = twoHeads();
    const both = await open(model, { labels: ['a', 'b', 'c', 'd', 'e'] });
    const second = await open(model, { output: 'attributes' });
    const first = one(await both.explain(image));
    expect(first.predictions).toHaveLength(5);
    for (const target of [2, 'top1', negative(1), probability(0)] as const) {
      const named = one(await both.explain(image, { target: output('attributes', target) }));
      const own = one(await second.explain(image, { target }));
      expect(named.predictions).toEqual(own.predictions);
      expect(named.target).toEqual(own.target);
      expectClose(named.raw.data, own.raw.data, 1e-6);
    }
    // The labels are those of the model's own head.
    const named = one(await both.explain(image, { target: output('attributes', 2) }));
    expect(named.target.probability).toBeCloseTo(1 / (1 + Math.exp(-named.target.score)), 5);
    expect(named.target.label).toBeNull();
    expect(first.target.label).toBe('abcde'[first.target.index]);
  });

  it('refuses outputs that are not there and targets over several', async () => {
    const cam = await open(twoHeads());
    await expectError(() => cam.explain(image, { target: output('atributes', 2) }), 'ERR_OPTION_INVALID', 'attributes');
    await expectError(() => cam.explain(image, { target: output('attributes', 3) }), 'ERR_TARGET_RANGE', '3 classes');
    await expectError(
      () => cam.explain(image, { target: contrast(1, output('attributes', 1)) }),
      'ERR_OPTION_INVALID',
      'same model output',
    );
    await expectError(() => load(twoHeads(), { output: 'z' }), 'ERR_OPTION_INVALID', '"z"', 'attributes');
  });
});

describe('labels', () => {
  const labels = ['tabby, tabby cat', 'Egyptian cat', 'crane', 'crane', 'Cat'];
  const image = noiseImage([1, 3, 16, 16]);
  let cam: Explainer;
  beforeAll(async () => {
    cam = await open(plainModel(), { labels });
  });

  it('match whole or by one synonym, without regard to case', async () => {
    const index = async (target: TargetInput) => one(await cam.explain(image, { target })).target;
    expect(await index('tabby cat')).toMatchObject({ index: 0, label: labels[0] });
    expect(await index('TABBY')).toMatchObject({ index: 0 });
    expect(await index(label('tabby, tabby cat'))).toMatchObject({ index: 0 });
    expect(await index('cat')).toMatchObject({ index: 4 });
    expect(await index(negative('egyptian cat'))).toMatchObject({ index: 1, kind: 'negative' });
    expect((await cam.predict(image))[0]!.label).toBe(labels[(await cam.predict(image))[0]!.index]);
  });

  it('refuse what fits no class, or several', async () => {
    await expectError(() => cam.explain(image, { target: 'crane' }), 'ERR_TARGET_UNKNOWN', '2 (crane), 3 (crane)');
    await expectError(() => cam.explain(image, { target: 'taby' }), 'ERR_TARGET_UNKNOWN', 'tabby');
    const unnamed = await open(plainModel());
    await expectError(() => unnamed.explain(image, { target: 'cat' }), 'ERR_TARGET_UNKNOWN', 'no labels');
  });
});

describe('bad targets', () => {
  it('are refused with the range or what was expected', async () => {
    const cam = await open(plainModel());
    const image = noiseImage([1, 3, 16, 16]);
    for (const target of [
      5,
      -1,
      'top6',
      topK(6),
      negative(5),
      weighted([
        [1, 1],
        [7, 1],
      ]),
    ] as TargetInput[])
      await expectError(() => cam.explain(image, { target }), 'ERR_TARGET_RANGE', '5 classes');
    await expectError(() => cam.explain(image, { target: contrast('top9', 1) }), 'ERR_OPTION_INVALID', 'topK');
    for (const target of [1.5, Number.NaN, {}, { kind: 'nonsense' }, true] as unknown as TargetInput[])
      await expectError(() => cam.explain(image, { target }), 'ERR_OPTION_INVALID', 'target');
    for (const make of [
      () => topK(0),
      () => classIndex(0.5),
      () => weighted([]),
      () => binary(2 as 1),
      () => contrast(1, 2, Number.NaN),
    ])
      await expectError(make, 'ERR_OPTION_INVALID');
  });
});
