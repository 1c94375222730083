import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { percentileInterval, resampledInterval, resampledMeans } from '../../lib/evaluation/bootstrap.ts';
import {
  erfc,
  holm,
  meanOf,
  momentsOf,
  quantileOf,
  ranksOf,
  selectQuantile,
  wilcoxon,
} from '../../lib/evaluation/statistics.ts';

interface Case {
  readonly values: number[];
  readonly mean: number;
  readonly sd: number;
  readonly se: number;
  readonly median: number;
  readonly quantiles: number[];
  readonly ranks: number[];
  readonly wilcoxon: number;
  readonly ci95: [number, number];
}
/** test/golden/make_statistics.py */
const golden = JSON.parse(readFileSync(new URL('../golden/statistics.json', import.meta.url), 'utf8')) as {
  cases: Record<string, Case>;
  erfc: { x: number[]; y: number[] };
  holm: { p: number[]; corrected: number[] };
};

describe.each(Object.entries(golden.cases))('as SciPy: %s', (_, expected) => {
  const values = Float64Array.from(expected.values);

  it('moments, quantiles and ranks', () => {
    const { n, mean, sd, se, median } = momentsOf(values)!;
    expect(n).toBe(values.length);
    expect(mean).toBeCloseTo(expected.mean, 12);
    expect(sd).toBeCloseTo(expected.sd, 12);
    expect(se).toBeCloseTo(expected.se, 12);
    expect(median).toBeCloseTo(expected.median, 12);
    const sorted = values.slice().sort();
    [0.025, 0.3, 0.975].forEach((q, i) => {
      expect(quantileOf(sorted, q)).toBeCloseTo(expected.quantiles[i]!, 12);
      expect(selectQuantile(values.slice(), q)).toBe(quantileOf(sorted, q));
    });
    expect([...ranksOf(values)]).toEqual(expected.ranks);
  });

  it('Wilcoxon', () => {
    const p = wilcoxon(values);
    expect(Math.abs(p / expected.wilcoxon - 1)).toBeLessThan(1e-9);
  });

  it('bootstrap interval, within the error of 10,000 resamples', async () => {
    const [means] = await resampledMeans([values], { images: values.length, seed: 0 });
    const interval = percentileInterval(means!)!;
    // A quantile at 2.5 % of 10,000 draws: sqrt(.025 · .975 / 10,000) / density, some 2.7 % of the deviation; four times that.
    // Means of few whole numbers lie on a grid, where the quantile is one or the next.
    const step = values.every(Number.isInteger) ? 1.001 / values.length : 0;
    for (const end of [0, 1] as const)
      expect(Math.abs(interval[end] - expected.ci95[end])).toBeLessThan(Math.max(step, 0.11 * expected.se));
  });
});

it('erfc and Holm', () => {
  golden.erfc.x.forEach((x, i) => {
    expect(Math.abs(erfc(x) / golden.erfc.y[i]! - 1)).toBeLessThan(1e-12);
  });
  holm(golden.holm.p).forEach((p, i) => {
    expect(p).toBeCloseTo(golden.holm.corrected[i]!, 12);
  });
});

it('quantiles of values in any order are those of ordered ones', () => {
  let state = 1;
  const next = (range: number) => (state = (state * 48271) % 2147483647) % range;
  for (let n = 1; n < 60; n++)
    for (const range of [1, 3, 1000]) {
      const values = Float64Array.from({ length: n }, () => next(range));
      for (const q of [0, 0.025, 0.5, 0.975, 1])
        expect(selectQuantile(values.slice(), q)).toBe(quantileOf(values.slice().sort(), q));
    }
});

it('edges: nothing, one value, no difference', async () => {
  expect(momentsOf(new Float64Array(0))).toBeUndefined();
  expect(momentsOf(Float64Array.of(3))).toEqual({ n: 1, mean: 3, sd: null, se: null, median: 3 });
  expect(wilcoxon(new Float64Array(5))).toBe(1);
  expect(await resampledInterval(() => 1, { images: 1, seed: 0 })).toBeNull();
  expect(percentileInterval(Float64Array.of(Number.NaN))).toBeNull();
});

describe('resamples', () => {
  const random = Float64Array.from({ length: 30 }, (_, i) => Math.sin(i * 12.9898));

  it('are the same images for all columns, however many there are', async () => {
    const twice = Array.from({ length: 130 }, () => random);
    const means = await resampledMeans(twice, { images: 30, seed: 4, resamples: 50 });
    for (const column of means) expect(column).toEqual(means[0]);
    const [alone] = await resampledMeans([random], { images: 30, seed: 4, resamples: 50 });
    expect(means[77]).toEqual(alone);
    const [other] = await resampledMeans([random], { images: 30, seed: 5, resamples: 50 });
    expect(other).not.toEqual(alone);
  });

  it('leave out images without a value', async () => {
    const gaps = random.map((value, i) => (i % 3 === 0 ? Number.NaN : value));
    const [means, whole] = await resampledMeans([gaps, random], { images: 30, seed: 4, resamples: 2000 });
    const kept = gaps.filter(value => !Number.isNaN(value));
    expect(meanOf(means!)).toBeCloseTo(meanOf(kept), 1);
    const [alone] = await resampledMeans([random], { images: 30, seed: 4, resamples: 2000 });
    expect(whole).toEqual(alone);
  });

  it('of a figure agree with those of means', async () => {
    const how = { images: 30, seed: 4, resamples: 3000 };
    const interval = await resampledInterval(times => {
      let sum = 0;
      times.forEach((count, i) => {
        sum += count * random[i]!;
      });
      return sum / 30;
    }, how);
    const [means] = await resampledMeans([random], how);
    const expected = percentileInterval(means!)!;
    expect(interval![0]).toBeCloseTo(expected[0], 9);
    expect(interval![1]).toBeCloseTo(expected[1], 9);
  });

  it('let the event loop turn, and end when they are aborted', async () => {
    const columns = Array.from({ length: 40 }, () => new Float64Array(200).map((_, i) => Math.sin(i)));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const started = performance.now();
    await resampledMeans(columns, { images: 200, seed: 0 });
    const took = performance.now() - started;
    clearInterval(timer);
    expect(took).toBeLessThan(5000);
    expect(turns).toBeGreaterThan(1);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    await expect(resampledMeans(columns, { images: 200, seed: 0, signal: controller.signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
  });
});
