import { describe, expect, test } from 'vitest';
import { pearson } from '../../lib/common/pearson.ts';
import { quantileAt } from '../../lib/common/quantile.ts';
import { imputePixels } from '../../lib/kernels/impute-pixels.ts';
import { coherencyBetween, complexityOf } from '../../lib/metrics/support/coherency.ts';
import { harmonicMean } from '../../lib/metrics/support/harmonic-mean.ts';
import type { PixelVariant } from '../../lib/scoring/pixel-variants.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { type FixtureCase, M2_INPUT, M2_MAP, measureFixture } from '../helpers/fixture-network.ts';

/** A network that says `y` of the picture and `o` of everything else. */
const saying = (y: number, o: number): FixtureCase => ({
  score: input => ({ probability: input === M2_INPUT ? y : o, logit: input === M2_INPUT ? y : o }),
});

const valueFor = async (name: string, how: FixtureCase) => (await measureFixture(name, how)).value;

describe('confidence', () => {
  test('three pictures: 11.1111 %, 33.3333 %, 13.3333 %', async () => {
    const pairs = [saying(0.9, 0.6), saying(0.5, 0.7), saying(0.2, 0.2)];
    const mean = async (name: string) => {
      const values = await Promise.all(pairs.map(how => valueFor(name, how)));
      return values.reduce<number>((sum, value) => sum + value! / 3, 0);
    };
    expectClose(
      [await mean('average-drop'), await mean('average-increase'), await mean('average-gain')],
      [0.111111, 0.333333, 0.133333],
      1e-6,
    );
  });

  test('a score of nothing has no drop, a score of one no gain', async () => {
    expect(await measureFixture('average-drop', saying(0, 0.5))).toMatchObject({
      value: null,
      reason: expect.stringMatching(/zero/),
    });
    expect(await measureFixture('adcc', saying(0, 0.5))).toMatchObject({
      value: null,
      reason: expect.stringMatching(/zero/),
    });
    expect(await valueFor('average-gain', saying(1, 1))).toBe(0);
  });

  test('a score that is no probability is divided by its size, said, and has no gain', async () => {
    const negative = { ...saying(-2, -3), probable: false };
    expect(await measureFixture('average-drop', negative)).toMatchObject({
      value: 0.5,
      warnings: [expect.stringMatching(/no probability/)],
    });
    expect(await measureFixture('average-gain', negative)).toMatchObject({
      value: null,
      reason: expect.stringMatching(/probability/),
    });
    expect((await measureFixture('average-drop')).warnings).toBeUndefined();
    expect((await measureFixture('average-drop', { params: { score: 'logit' } })).warnings).toHaveLength(1);
  });

  test('a map of ones drops nothing, a map of zeros all that the zero input lacks', async () => {
    expect(await valueFor('drop', { map: new Float32Array(16).fill(1) })).toBe(0);
    expectClose([(await valueFor('drop', { map: new Float32Array(16) }))!], [0.882047 - 0.358155], 1e-6);
    expectClose(
      [(await valueFor('half-muted-drop', { map: new Float32Array(16).fill(1) }))!],
      [1 - 0.358155 / 0.882047],
      1e-5,
    );
  });

  test('OpenVINO masks the picture before it is normalised: what is hidden turns black', async () => {
    const preprocess = { mean: [1], std: [2] };
    const seen: Float32Array[] = [];
    const score = (input: Float32Array) => {
      seen.push(input);
      return { probability: 0.5, logit: 0 };
    };
    await measureFixture('average-drop', { convention: 'openvino', preprocess, score });
    expectClose(
      seen[1]!,
      M2_INPUT.map((x, i) => ((x * 2 + 1) * M2_MAP[i]! - 1) / 2),
      1e-6,
    );
    await measureFixture('average-gain', { convention: 'openvino', preprocess, score });
    expectClose(
      seen[3]!,
      M2_INPUT.map((x, i) => x * M2_MAP[i]!),
      1e-6,
    );
  });
});

describe('conventions of metrics that their tool lacks are as in the paper', () => {
  test.each(['lerf-deletion', 'srg', 'arcc', 'aopc', 'average-gain', 'half-muted-drop', 'saco'])('%s', async name => {
    const how = { preprocess: { mean: [0.3], std: [0.5] } };
    const other = await measureFixture(name, { ...how, convention: 'openvino' });
    expect(other).toEqual(await measureFixture(name, how));
  });
});

describe('composites', () => {
  test('worked by hand', () => {
    expectClose([harmonicMean([0.9, 1 - 0.5, 1 - 0.2]), harmonicMean([0.9, 0.5, 0.4])], [0.687898, 0.534653], 1e-6);
    expectClose([pearson([0, 0.5, 1, 0.5], [0, 0.25, 1, 0.75])!], [0.894427], 1e-6);
    expect(harmonicMean([0.9, 0, 0.5])).toBe(0);
    expect(complexityOf(Float32Array.of(-1, 0.5, 0, 0.5))).toBe(0.5);
  });

  test('a map that does not vary is not coherent; pytorch-grad-cam says half', async () => {
    const constant = { map: new Float32Array(16).fill(1) };
    expect(await measureFixture('coherency', constant)).toMatchObject({ value: 0, reason: 'constant map' });
    const how = { ...constant, convention: 'pytorch-grad-cam' } as const;
    expect(await measureFixture('coherency', how)).toMatchObject({ value: 0.5, reason: 'constant map' });
    expect(await measureFixture('adcc', how)).toMatchObject({ value: 0, reason: 'constant map' });
    expect(coherencyBetween(M2_MAP, M2_MAP, { convention: 'paper' }).value).toBeCloseTo(1, 12);
  });
});

describe('ROAD', () => {
  const shape = { channels: 1, height: 3, width: 3, channelsLast: false };
  const picture = Float32Array.of(1, 2, 3, 4, 0, 6, 7, 8, 9);

  test('removed pixels are the weighted mean of those around them', async () => {
    const [one, two] = await imputePixels(picture, shape, Uint32Array.of(4, 0), [
      [0, 1],
      [0, 2],
    ]);
    expectClose([one![4]!, two![0]!, two![4]!], [5, 3.440678, 5.20339], 1e-5);
  });

  test('the row that the fixture loses at its 80th percentile', async () => {
    const ran: PixelVariant[] = [];
    await measureFixture('road-morf', { convention: 'pytorch-grad-cam', params: { noise: 0 }, ran });
    expectClose(ran[0]!.from.subarray(12), [1.147157, 0.867893, 0.824415, 0.929766], 1e-5);
  });

  test("percentiles are NumPy's", () => {
    const values = Float32Array.of(0.1, 0.2, 0.4, 0.8);
    const at = (i: number) => values[i]!;
    const percentileOf = (count: number, percent: number) => Math.fround(quantileAt(count, at, percent / 100));
    expect([0, 50, 100].map(percent => percentileOf(4, percent))).toEqual([
      values[0],
      Math.fround((values[1]! + values[2]!) / 2),
      values[3],
    ]);
    expect(percentileOf(1, 37)).toBe(values[0]);
  });

  test('a map with many zeros loses everything under pytorch-grad-cam, exact shares otherwise', async () => {
    const map = M2_MAP.map((value, i) => (i < 12 ? 0 : value));
    const how = { map, params: { percentiles: [50], noise: 0 } };
    expect(await measureFixture('road-morf', { ...how, convention: 'pytorch-grad-cam' })).toMatchObject({
      reason: 'nothing kept',
    });
    expect((await measureFixture('road-morf', how)).reason).toBeUndefined();
  });

  test("Quantus' accuracy is refused; ARCC, which Quantus has not, is as in its paper", async () => {
    expect(await measureFixture('road', { convention: 'quantus' })).toMatchObject({
      value: null,
      reason: expect.stringMatching(/accuracy/),
    });
    expect(await measureFixture('road-morf', { convention: 'quantus', params: { noise: 0 } })).toMatchObject({
      value: null,
    });
    expect((await measureFixture('arcc', { convention: 'quantus' })).value).not.toBeNull();
  });
});

describe('correlations of maps without values', () => {
  const constant = { map: new Float32Array(16).fill(1) };

  test('a constant map has none, or 0 as its source says', async () => {
    expect(await measureFixture('saco', constant)).toMatchObject({
      value: null,
      reason: expect.stringMatching(/constant/),
    });
    expect(await measureFixture('faithfulness-correlation', constant)).toMatchObject({
      value: null,
      reason: expect.stringMatching(/vary/),
    });
    expect(await measureFixture('mu-fidelity', { map: new Float32Array(16) })).toMatchObject({
      value: 0,
      reason: expect.stringMatching(/vary/),
    });
  });

  test('a map of zeros foresees nothing: infidelity is the mean square of the changes', async () => {
    const zeros = { map: new Float32Array(16), params: { patch: 2 } };
    const plain = { ...zeros, params: { patch: 2, normalize: false } };
    const { value, details } = await measureFixture('infidelity', zeros);
    expect(details!.beta).toBe(0);
    expect(value).toBe((await measureFixture('infidelity', plain)).value);
    expect(value).toBeGreaterThan(0);
  });

  test("Quantus' infidelity is another quantity", async () => {
    const ran: PixelVariant[] = [];
    expect(await measureFixture('infidelity', { convention: 'quantus', ran })).toMatchObject({ value: null });
    expect(ran).toHaveLength(0);
  });
});
