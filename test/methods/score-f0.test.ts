/** Fixture F0 (docs/methods.md#fixture-f0): score methods with real runs of the toy models. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FeatureMaps } from '../../lib/kernels/features.ts';
import { channelMaps } from '../../lib/kernels/features.ts';
import type { MethodContext } from '../../lib/methods/definition.ts';
import { resolveParams } from '../../lib/methods/params.ts';
import { polyWeights, refine } from '../../lib/methods/poly-cam.ts';
import { findMethod, METHODS } from '../../lib/methods/registry.ts';
import type { MaskRequest } from '../../lib/scoring/mask-request.ts';
import { nativeScoring } from '../../lib/scoring/native-scoring.ts';
import type { ScoreView } from '../../lib/targets/target.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { type F0Model, f0Model, loadF0 } from '../helpers/f0.ts';
import { classTarget, runMethod, type Scorer, type ScoringImage, ScoringModels } from '../helpers/scoring.ts';

const f0 = loadF0();
const input = { data: Float32Array.from(f0.input.data), dims: f0.input.dims };
const CLASSES: Record<F0Model, number> = { m2: 3, m3: 2, mg: 2 };
const opened = {} as Record<F0Model, ScoringModels>;
beforeAll(async () => {
  for (const name of ['m2', 'm3', 'mg'] as const) opened[name] = await ScoringModels.open(f0Model(name), f0.layer);
});
afterAll(() => Promise.all(Object.values(opened).map(models => models.dispose())));

const imageOf = (model: F0Model, targets: readonly number[]): Promise<ScoringImage> =>
  opened[model].image(input, targets.map(classTarget));
const all = (model: F0Model) => Array.from({ length: CLASSES[model] }, (_, index) => index);

const score = new Set(METHODS.filter(({ needs }) => needs.scores).map(({ name }) => name));
const cases = f0.cases.filter(({ method }) => score.has(method));

describe('what the libraries give', () => {
  it.each(
    cases.map(
      one => [`${one.library} ${one.method} ${one.model} ${one.target} ${JSON.stringify(one.params)}`, one] as const,
    ),
  )('%s', async (_, one) => {
    const image = await imageOf(one.model, [one.target]);
    const result = await runMethod(one.method, image, { convention: one.library, params: one.params });
    expectClose(result.weights, one.weights!.data, 1e-5);
    expectClose(result.raw.data, one.raw.data, 1e-5);
    expectClose(result.map.data, one.map.data, 1e-5);
  });

  it.each(
    cases
      .filter(({ target }) => target === 0)
      .map(one => [`${one.library} ${one.method} ${one.model} ${JSON.stringify(one.params)}`, one] as const),
  )('all targets from one set of runs: %s', async (_, one) => {
    const targets = all(one.model);
    const image = await imageOf(one.model, targets);
    const { weights } = await runMethod(one.method, image, { convention: one.library, params: one.params });
    const expected = targets.flatMap(
      target =>
        cases.find(
          other =>
            other.model === one.model &&
            other.method === one.method &&
            other.library === one.library &&
            other.target === target &&
            JSON.stringify(other.params) === JSON.stringify(one.params),
        )!.weights!.data,
    );
    expectClose(weights, expected, 1e-5);
    const runs = image.scorer.runs;
    expect(runs.network + runs.tail).toBeLessThanOrEqual(2 * ((one.params.n as number) ?? 1));
  });
});

describe('worked numbers on M2, class 0', () => {
  const weightsOf = async (method: string, params: Record<string, unknown> = {}) => {
    const image = await imageOf('m2', [0]);
    return (await runMethod(method, image, { params })).weights;
  };

  it('Score-CAM, paper', async () => {
    const image = await imageOf('m2', [0]);
    const { weights, raw } = await runMethod('score-cam', image);
    expectClose(weights, [0.53039, 0.46961], 1e-5);
    expectClose(raw.data, [1.765195, 1.408829, 1.591171, 1.591171], 1e-5);
  });

  it('Score-CAM, official', async () => {
    const image = await imageOf('m2', [0]);
    const { raw, map } = await runMethod('score-cam', image, { params: { mode: 'official' } });
    expect(raw.dims).toEqual([1, 4, 4]);
    expectClose(map.data.subarray(0, 4), [1, 0.75, 0.25, 0], 1e-5);
    expectClose(map.data.subarray(12), [0.652732, 0.652732, 0.652732, 0.652732], 1e-5);
    const { scorer } = image;
    const { scores } = await scorer.masks({
      maps: channelMaps(image.layer),
      rule: { interpolation: 'bilinear', normalize: 'after', epsilon: 0 },
      constant: 'skip',
      view: 'probability',
    });
    expectClose(scores, [0.753649, 0.631938], 1e-5);
  });

  it('Score-CAM, tf-keras-vis: probabilities of align-corners masks, no softmax', async () => {
    const image = await imageOf('m2', [0]);
    const pgc = await image.scorer.masks({
      maps: channelMaps(image.layer),
      rule: { interpolation: 'align-corners', normalize: 'after', epsilon: 1e-8 },
      constant: 'score',
      view: 'probability',
    });
    const { weights, raw, map } = await runMethod('score-cam', image, { params: { mode: 'tkv' } });
    expectClose(weights, pgc.scores, 1e-5);
    expect(raw.dims).toEqual([1, 2, 2]);
    // Enlarged with corners on corners, and stretched after it.
    expectClose(map.data.subarray(0, 4), [1, 0.666667, 0.333333, 0], 1e-5);
  });

  it('IS-CAM: steps that end at the mask, and those that go on', async () => {
    expectClose(await weightsOf('is-cam', { n: 2 }), [0.629957, 0.370043], 1e-5);
    expectClose(await weightsOf('is-cam', { n: 2, mode: 'torchcam' }), [0.672102, 0.327898], 1e-5);
  });

  it('SS-CAM without noise is Score-CAM', async () => {
    expectClose(await weightsOf('ss-cam', { sigma: 0, n: 2 }), [0.666569, 0.333431], 1e-5);
    expectClose(await weightsOf('ss-cam', { sigma: 0, n: 2, variant: 2 }), [0.666569, 0.333431], 1e-5);
  });

  it('Faster Score-CAM keeps the channel that varies most', async () => {
    expect([...(await weightsOf('faster-score-cam', { topK: 1 }))]).toEqual([0, 1]);
    expect([...(await weightsOf('score-cam', { topK: 1 }))]).toEqual([0, 1]);
  });

  it('Ablation-CAM', async () => {
    const image = await imageOf('m2', [0]);
    const { weights, raw } = await runMethod('ablation-cam', image);
    expectClose(weights, [0.632911, 0.341772], 1e-5);
    expectClose(raw.data, [1.778481, 1.025316, 1.898734, 1.898734], 1e-5);
  });

  it('Recipro-CAM: probabilities, logits, Gaussian', async () => {
    const image = await imageOf('m2', [0]);
    const { raw, map } = await runMethod('recipro-cam', image);
    expectClose(raw.data, [0.384981, 0.761444, 0.405186, 0.587976], 1e-5);
    expectClose(map.data, [0, 1, 0.053672, 0.539216], 1e-5);
    const logits = await runMethod('recipro-cam', image, { params: { score: 'logit' } });
    expectClose(logits.raw.data, [0.65, 1.9, 0.4, 1.3], 1e-5);
    const spread = await runMethod('recipro-cam', image, { params: { gaussian: true } });
    expectClose(spread.raw.data, [0.393738, 0.40787, 0.439236, 0.416004], 1e-5);
    const kept = await image.scorer.tail({ kind: 'neighbourhoods', view: 'probability' });
    expectClose(kept, [0.455781, 0.520938, 0.445857, 0.493495], 1e-5);
  });

  it('Group-CAM over a black background', async () => {
    const image = await imageOf('m2', [0]);
    const result = await runMethod('group-cam', withBlackBackground(image), {
      params: { groups: 2 },
      gradients: gradientsOf('m2', [0]),
    });
    // s = [0.395495, 0.273784]
    expectClose(result.map.data.subarray(0, 4), [0.754892, 0.566169, 0.188723, 0], 1e-5);
    expectClose(result.map.data.subarray(12), [1, 1, 1, 1], 1e-5);
  });

  it('Poly-CAM: masks and the three signs', async () => {
    const image = await imageOf('m2', [0]);
    const clipped = await nativeScoring().clipMaps(image.layer.data, [2, 4], 0.1, 99.9);
    expectClose(clipped.subarray(0, 4), [0.664667, 0, 0.998, 0.998], 1e-5);
    const weights = (sign: string) =>
      polyWeights({ activations: image.layer }, contextOf(image, { sign }), image.scorer);
    expectClose(await weights('plus'), [0.753121, 0.632008], 1e-5);
    expectClose(await weights('minus'), [0.264837, 0.140714], 1e-5);
    expectClose(await weights('both'), [1.017958, 0.772723], 1e-5);
  });

  it('Poly-CAM: a finer layer over its surroundings', async () => {
    const fine = { data: Float32Array.from({ length: 16 }, (_, i) => i), dims: [1, 4, 4] as const };
    const { data } = await refine({ data: new Float32Array(4).fill(1), dims: [1, 2, 2] }, fine);
    expectClose(data.subarray(0, 4), [0, 0.333333, 0.5, 0.666667], 1e-5);
    expectClose(data.subarray(12), [1.142857, 1.181818, 1.166667, 1.2], 1e-5);
  });

  it('FD-CAM', async () => {
    const image = await imageOf('m2', [0]);
    const { weights, raw } = await runMethod('fd-cam', image, {
      params: { q: 0.5 },
      gradients: gradientsOf('m2', [0]),
    });
    expectClose(weights, [2.218282, -0.5], 1e-5);
    expectClose(raw.data, [3.686564, -1.5, 6.654845, 6.654845], 1e-5);
  });
});

function gradientsOf(model: F0Model, targets: readonly number[]): FeatureMaps {
  const { gradients } = f0.models[model];
  return {
    data: Float32Array.from(targets.flatMap(target => gradients[target]!.data)),
    dims: [targets.length, ...gradients[0]!.dims.slice(1)],
  };
}

/** A scorer that blends masks with black instead of a blurred copy, as the worked numbers do. */
function withBlackBackground({ scorer, layer }: ScoringImage): ScoringImage {
  const black = Object.create(scorer, {
    targets: { value: scorer.targets },
    size: { value: scorer.size },
    masks: { value: (request: MaskRequest) => scorer.masks({ ...request, background: 'zero' }) },
    baseline: { value: (_: string, view?: ScoreView) => scorer.baseline('zero', view) },
  }) as Scorer;
  return { scorer: black, layer, row: undefined as never };
}

function contextOf({ scorer }: ScoringImage, params: Record<string, unknown>): MethodContext {
  return {
    pictureScorer: scorer,
    size: { width: 4, height: 4 },
    params: resolveParams(findMethod('poly-cam'), params, 'paper'),
    convention: 'paper',
    seed: 0,
    count: scorer.targets,
  };
}
