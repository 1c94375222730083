/** Score methods of pytorch-grad-cam and torchcam on the bundled model (test/golden/make_methods.py), weights before maps. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { channelMaps } from '../../lib/kernels/features.ts';
import { softmax } from '../../lib/targets/score.ts';
import { anySizeModel } from '../helpers/any-size-model.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { type GoldenCase, type GoldenLayer, loadGoldenMethods } from '../helpers/golden-methods.ts';
import { classTarget, runMethod, type ScoringImage, ScoringModels } from '../helpers/scoring.ts';

const golden = loadGoldenMethods();
const METHODS = ['score-cam', 'is-cam', 'ss-cam', 'ablation-cam'];
/**
 * Noise from another generator cannot be compared; and all channels of the last layer are run for the first picture and
 * one library only, because it takes seconds.
 */
const isPinned = ({ input, layer, library, method, params }: GoldenCase) =>
  METHODS.includes(method) &&
  Number(params.sigma ?? 0) < 0.01 &&
  (input === 'wide' || method === 'ablation-cam' || (layer === 'last' && library === 'pytorch-grad-cam'));
const cases = golden.cases.filter(isPinned);

const opened = new Map<string, ScoringModels>();
beforeAll(async () => {
  for (const { input, layer } of cases) {
    const [, , height, width] = golden.inputs[input].tensor.dims as [number, number, number, number];
    const key = `${input} ${layer}`;
    if (opened.has(key)) continue;
    opened.set(
      key,
      await ScoringModels.open(anySizeModel(), golden.layers[layer as GoldenLayer].tensor, { size: [width, height] }),
    );
  }
}, 60_000);
afterAll(() => Promise.all([...opened.values()].map(models => models.dispose())));

const first = (values: ArrayLike<number>, images: number) => Array.from(values).slice(0, values.length / images);

async function run(one: GoldenCase) {
  const { tensor, targets } = golden.inputs[one.input];
  const models = opened.get(`${one.input} ${one.layer}`)!;
  const dims = [1, ...tensor.dims.slice(1)];
  const input = { data: Float32Array.from(first(tensor.data, targets.length)), dims };
  const image = await models.image(input, [classTarget(targets[0]!)]);
  const result = await runMethod(one.method, image, { convention: one.library, params: one.params });
  return { result, images: targets.length, image };
}

/**
 * pytorch-grad-cam upsamples constant channels to values that differ in the last bit, and stretches those differences to
 * a mask: what it scores for them is noise. Here their mask is 0.
 */
function pgcScores(one: GoldenCase, images: number, { layer }: ScoringImage, ours: Float64Array) {
  const positions = layer.data.length / layer.dims[1]!;
  const isNoise = (k: number) => {
    const channel = layer.data.subarray(k * positions, (k + 1) * positions);
    return channel[0] !== 0 && channel.every(value => value === channel[0]);
  };
  const scores = first(one.scores!.data, images).map((score, k) => (isNoise(k) ? ours[k]! : score));
  return { scores, noisy: ours.some((_, k) => isNoise(k)) };
}

const rule = { interpolation: 'align-corners', normalize: 'after', epsilon: 1e-8 } as const;

describe('weights, then maps', () => {
  it.each(cases.map(one => [`${one.method} ${one.library} ${one.input} ${one.layer}`, one] as const))(
    '%s',
    async (_, one) => {
      const { result, images, image } = await run(one);
      let weights: ArrayLike<number> = first(one.weights!.data, images);
      if (one.method === 'score-cam' && one.layer === 'early' && one.library === 'pytorch-grad-cam') {
        const { scores } = await image.scorer.masks({ maps: channelMaps(image.layer), rule, constant: 'score' });
        const expected = pgcScores(one, images, image, scores);
        expectClose(scores, expected.scores, 1e-4);
        if (expected.noisy) weights = softmax(expected.scores);
      }
      // Logits of two engines differ by 1e-5 or so, which the softmax over channels hands on to the weights.
      expectClose(result.weights, weights, 1e-4);
      if (one.layer === 'last' && one.method === 'score-cam')
        expect(image.scorer.runs.saved).toBeGreaterThan(golden.layers.last.channels / 3);
      if (!Array.isArray(weights)) return;
      const raw = first(one.raw!.data, images);
      const scale = Math.max(...raw.map(Math.abs));
      expectClose(
        result.raw.data.map(value => value / scale),
        raw.map(value => value / scale),
        1e-4,
      );
    },
    60_000,
  );
});
