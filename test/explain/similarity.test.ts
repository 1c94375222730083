import { beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { contrast, negative, output, probability, similarity, type TargetInput } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, one, plainModel, plainSpec, positiveTensor, transparentModel } from '../helpers/explain-models.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { expectDerivativeOfScore } from '../helpers/score-derivative.ts';

const open = explainerOpener();

const image = positiveTensor([1, 3, 4, 4]);
const other = positiveTensor([1, 3, 4, 4], 7);
const vector = [0.5, -1, 2, 0.25, 1];
/** All 5 values of the output, in order. */
const embeddingOf = async (cam: Explainer, of: typeof image) =>
  (await cam.predict(of, { topK: 5 })).sort((a, b) => a.index - b.index).map(({ score }) => score);

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  return dot / Math.hypot(...a) / Math.hypot(...b);
}

describe('similarity', () => {
  let cam: Explainer;
  beforeAll(async () => {
    cam = await open(transparentModel());
  });

  it('is the cosine to a vector, or to the embedding of another picture', async () => {
    const own = await embeddingOf(cam, image);
    const score = async (target: TargetInput) => one(await cam.explain(image, { target, layer: 'a' })).target;
    expect((await score(similarity(vector))).score).toBeCloseTo(cosine(own, vector), 5);
    const theirs = await embeddingOf(cam, other);
    expect(await score(similarity(other))).toMatchObject({
      score: expect.closeTo(cosine(own, theirs), 5),
      kind: 'similarity',
      probability: null,
      label: null,
    });
    expect((await score(similarity(image))).score).toBeCloseTo(1, 5);
    expect((await score(contrast(similarity(vector), similarity(other), 0.5))).score).toBeCloseTo(
      cosine(own, vector) - 0.5 * cosine(own, theirs),
      5,
    );
  });

  it('to several pictures gives a map for each', async () => {
    const target = [similarity(other), similarity(vector), negative(similarity(other))];
    const results = flat(await cam.explain(image, { target, layer: 'a' }));
    for (const [i, one_] of target.entries()) {
      const alone = one(await cam.explain(image, { target: one_, layer: 'a' }));
      expect(results[i]!.target).toEqual(alone.target);
      expectClose(results[i]!.map.data, alone.map.data, 1e-6);
    }
  });

  const targets: [string, TargetInput][] = [
    ['a vector', similarity(vector)],
    ['a picture', similarity(other)],
    ['negative', negative(similarity(Float32Array.from(vector)))],
    ['one rather than another', contrast(similarity(vector), similarity(other))],
    ['an output that is named', output('y', similarity(vector))],
  ];
  for (const [what, target] of targets)
    it(`gradients are those of the score: ${what}`, async () => {
      await expectDerivativeOfScore(cam, image, target);
    });

  it('does not take the scores of a linear network for linear', async () => {
    const linear = await open(plainModel());
    const picture = positiveTensor([1, 3, 16, 16]);
    const target = similarity(vector);
    const options = { method: 'ablation-cam', target, layer: 'r2', convention: 'pytorch-grad-cam' } as const;
    expect(one(await linear.explain(picture, options)).runs.tail).toBeGreaterThan(0);
    expect(one(await linear.explain(picture, { ...options, target: 2 })).runs.tail).toBe(0);
  });

  it('works with gradient and score methods, in batches and with a fixed batch', async () => {
    const pictures = [1, 2, 3].map(seed => positiveTensor([1, 3, 16, 16], seed));
    const target = similarity(pictures[0]!);
    const options = { methods: ['grad-cam', 'grad-cam++', 'score-cam', 'recipro-cam'], target, layer: 'r2' } as const;
    const dynamic = await open(plainModel());
    const together = flat(await dynamic.explain(pictures, options));
    for (const batch of [1, 2]) {
      const fixed = await open(plainModel({ batch }));
      const methods = batch === 1 ? options.methods : (['grad-cam', 'grad-cam++'] as const);
      for (const [i, picture] of pictures.entries()) {
        const alone = flat(await fixed.explain(picture, { ...options, methods }));
        expect(alone.length).toBe(methods.length);
        for (const [m, { map, target: explained }] of alone.entries()) {
          const same = together[i * options.methods.length + m]!;
          expect(explained.score).toBeCloseTo(same.target.score, 5);
          expectClose(map.data, same.map.data, 1e-4);
        }
      }
    }
  });

  it('is known to `unsupported` with a picture too', () => {
    const unsupported = cam.unsupported(['grad-cam', 'score-cam', 'cam'], {
      target: similarity('no-file.jpg'),
      layer: 'a',
    });
    expect([...unsupported.keys()]).toEqual(['cam']);
  });

  it('refuses what cannot be compared', async () => {
    const explain = (target: TargetInput) => cam.explain(image, { target, layer: 'a' });
    await expectError(() => explain(similarity([1, 2])), 'ERR_TARGET_RANGE', 'holds 2 values', 'has 5');
    await expectError(() => explain(similarity('no-such-file.jpg')), 'ERR_IMAGE_NOT_FOUND');
    await expectError(() => explain(contrast(similarity(vector), 2)), 'ERR_OPTION_INVALID', 'parts of one target');
    await expectError(() => explain(probability(similarity(vector))), 'ERR_OPTION_INVALID', 'probability');
    await expectError(() => similarity([0, 0]), 'ERR_OPTION_INVALID', 'not all zero');
    await expectError(() => similarity([1, Number.NaN]), 'ERR_OPTION_INVALID', 'finite');
    const spec = plainSpec();
    const spatial = await open(
      buildModel({ ...spec, outputs: [...spec.outputs, { name: 'r2', dims: ['N', 8, 4, 4] }] }),
    );
    await expectError(
      () => spatial.explain(positiveTensor([1, 3, 16, 16]), { target: output('r2', similarity(vector)) }),
      'ERR_MODEL_UNSUPPORTED',
      'output(name',
    );
  });
});
