import { describe, expect, it } from 'vitest';
import { controlMap } from '../../lib/evaluation/controls.ts';
import { adccOfMeans, type Extra } from '../../lib/evaluation/data-set.ts';
import type { Provenance } from '../../lib/evaluation/provenance.ts';
import type { EvaluationRow, MetricRow } from '../../lib/evaluation/rows.ts';
import { SummaryBuilder, type SummaryOptions } from '../../lib/evaluation/summary.ts';
import { expectError } from '../helpers/expect-error.ts';

const provenance = { seed: 0 } as Provenance;
const METRICS = [
  { name: 'deletion', direction: 'lower' },
  { name: 'insertion', direction: 'higher' },
] as const;

function row(fields: Partial<MetricRow>): MetricRow {
  return {
    image: `${fields.index ?? 0}.jpg`,
    index: 0,
    class: 1,
    label: null,
    probability: 0.5,
    correct: null,
    method: 'grad-cam',
    layer: 'auto',
    convention: 'paper',
    params: '',
    metric: 'deletion',
    value: 0.5,
    status: 'ok',
    reason: null,
    runs: 27,
    ms: 3,
    ...fields,
  };
}

async function summed(rows: readonly EvaluationRow[], options: Partial<SummaryOptions> = {}) {
  const builder = new SummaryBuilder({ metrics: METRICS, seed: 0, resamples: 2000, ...options });
  for (const one of rows) builder.add(one);
  return builder.summary(provenance);
}

const values = (method: string, list: readonly (number | null)[], metric = 'deletion') =>
  list.map((value, index) =>
    row({
      method,
      index,
      metric,
      value,
      ...(value === null && { reason: 'the truth is empty', status: 'zero' as const }),
    }),
  );

describe('a summary', () => {
  it('has n, what is missing and why, mean, deviation, error, interval and median', async () => {
    const { metrics, images, failed } = await summed([
      ...values('grad-cam', [0.1, 0.2, null, 0.6]),
      { image: '4.jpg', index: 4, error: { code: 'ERR_IMAGE_INVALID', message: 'no picture' } },
    ]);
    expect({ images, failed }).toEqual({ images: 4, failed: 1 });
    expect(metrics).toHaveLength(1);
    const [entry] = metrics;
    expect(entry).toMatchObject({
      method: 'grad-cam',
      metric: 'deletion',
      direction: 'lower',
      control: false,
      n: 3,
      missing: { 'the truth is empty': 1 },
      median: 0.2,
      rank: 1,
      rankImages: 3,
    });
    expect(entry!.mean).toBeCloseTo(0.3, 12);
    expect(entry!.sd).toBeCloseTo(Math.sqrt(0.07), 12);
    expect(entry!.se).toBeCloseTo(Math.sqrt(0.07 / 3), 12);
    expect(entry!.ci95![0]).toBeGreaterThanOrEqual(0.1);
    expect(entry!.ci95![1]).toBeLessThanOrEqual(0.6);
  });

  it('of nothing, of one image, of values that are all missing', async () => {
    expect(await summed([])).toMatchObject({ images: 0, metrics: [], comparisons: [], dataSet: [] });
    const [one] = (await summed(values('grad-cam', [0.4]))).metrics;
    expect(one).toMatchObject({ n: 1, mean: 0.4, sd: null, se: null, ci95: null, median: 0.4 });
    const [none] = (await summed(values('grad-cam', [null, null]))).metrics;
    expect(none).toMatchObject({ n: 0, mean: null, median: null, ci95: null, rank: null });
  });

  it('NaN counts as missing, and poisons no mean', async () => {
    const [entry] = (await summed(values('grad-cam', [0.4, Number.NaN, 0.6]))).metrics;
    expect(entry).toMatchObject({ n: 2, mean: 0.5, missing: { 'no value': 1 } });
  });

  it('ranks in the metric’s direction, on images where all have a value, ties shared', async () => {
    const { metrics } = await summed([
      ...values('a', [0.1, 0.3, null]),
      ...values('b', [0.2, 0.3, 0.9]),
      ...values('constant', [null, null, null]),
      ...values('a', [0.1, 0.3, 0.5], 'insertion'),
      ...values('b', [0.2, 0.3, 0.9], 'insertion'),
    ]);
    expect(metrics.map(({ method, metric, rank, rankImages }) => [method, metric, rank, rankImages])).toEqual([
      ['a', 'deletion', 1.25, 2],
      ['b', 'deletion', 1.75, 2],
      ['constant', 'deletion', null, 2],
      ['a', 'insertion', 5.5 / 3, 3],
      ['b', 'insertion', 3.5 / 3, 3],
    ]);
  });

  it('compares pairs where both have values, Holm over the pairs, no two controls', async () => {
    const n = 20;
    const base = Array.from({ length: n }, (_, i) => 0.5 + Math.sin(i) / 10);
    const { comparisons } = await summed([
      ...values('a', base),
      ...values(
        'b',
        base.map((value, i) => (i === 3 ? null : value + (i === 5 ? 0 : 0.01 * (i % 4) + 0.01))),
      ),
      ...values(
        'random',
        base.map((value, i) => value + Math.cos(7 * i) / 5),
      ),
      ...values('centre', base),
    ]);
    expect(comparisons.map(({ a, b }) => [a.method, b.method])).toEqual([
      ['a', 'b'],
      ['a', 'random'],
      ['a', 'centre'],
      ['b', 'random'],
      ['b', 'centre'],
    ]);
    const [ab, , same] = comparisons;
    expect(ab).toMatchObject({ metric: 'deletion', n: 19, wins: 18, ties: 1, losses: 0, win: 18 / 19 });
    expect(ab!.difference).toBeLessThan(0);
    expect(ab!.ci95![1]).toBeLessThan(0);
    expect(ab!.p).toBeLessThan(0.001);
    expect(ab!.pHolm).toBeGreaterThanOrEqual(ab!.p);
    expect(same).toMatchObject({ n: 20, difference: 0, ties: 20, p: 1, pHolm: 1, ci95: [0, 0] });
  });

  it('is the same in whatever order images were done', async () => {
    const rows = [...values('a', [0.1, 0.5, 0.3, 0.9]), ...values('b', [0.2, 0.1, 0.8, 0.7])];
    expect(await summed(rows)).toEqual(await summed([...rows.slice(0, 4).reverse(), ...rows.slice(4).reverse()]));
  });

  it('ends when it is aborted', async () => {
    const builder = new SummaryBuilder({ metrics: METRICS, seed: 0 });
    for (let i = 0; i < 500; i++)
      for (const method of 'abcdefgh') builder.add(row({ method, index: i, value: Math.sin(i) }));
    await expectError(() => builder.summary(provenance, AbortSignal.abort()), 'ERR_ABORTED');
  });
});

describe('figures of the data set', () => {
  const gathered = async (metric: string, items: readonly (readonly [Partial<MetricRow>, Extra])[]) => {
    const builder = new SummaryBuilder({ metrics: [], seed: 0 });
    items.forEach(([fields, extra], index) => {
      builder.add(row({ metric, index, ...fields }), extra);
    });
    return (await builder.summary(provenance)).dataSet;
  };

  it('the pointing game’s mean over classes', async () => {
    const hits = [
      [1, 1],
      [1, 1],
      [1, 0],
      [2, 0],
    ] as const;
    const [entry] = await gathered(
      'pointing-game',
      hits.map(([index, value]) => [{ class: index, value }, {}]),
    );
    expect(entry).toMatchObject({ name: 'class-mean-pointing-game', n: 4, method: 'grad-cam' });
    expect(entry!.value).toBeCloseTo(1 / 3, 12);
    expect(entry!.ci95![0]).toBeLessThan(1 / 3);
  });

  it('MaxBoxAcc at one threshold for all images', async () => {
    const curve = (y: readonly number[]) => ({ x: [0, 0.5], y });
    const [entry] = await gathered(
      'max-box-acc',
      [
        [0.6, 0.1],
        [0.2, 0.7],
        [0.9, 0.1],
      ].map(y => [{}, { curve: curve(y), params: { delta: [0.5] } }] as const),
    );
    expect(entry!.value).toBeCloseTo(2 / 3, 12);
    expect(entry!.n).toBe(3);
  });

  it('PxAP of pooled histograms, in bounded memory', async () => {
    const kept = new Uint32Array(2002);
    kept[900] = 1;
    kept[1001 + 100] = 3;
    const [entry] = await gathered('pxap', new Array(1500).fill([{}, { kept }]));
    expect(entry).toMatchObject({ n: 1500, value: 1, ci95: [1, 1] });
  });

  it('ADCC of means', async () => {
    expect(adccOfMeans([[0.9, 0.5, 0.2]])).toBeCloseTo(0.687898, 6);
    expect(adccOfMeans([[0.9, 1, 0.2]])).toBe(0);
    const details = [
      { coherency: 0.8, complexity: 0.4, averageDrop: 0.1 },
      { coherency: 1, complexity: 0.6, averageDrop: 0.3 },
      { coherency: null, complexity: 0.6, averageDrop: 0.3 },
    ];
    const [entry] = await gathered(
      'adcc',
      details.map(one => [{}, { details: one }]),
    );
    expect(entry).toMatchObject({ name: 'adcc-of-means', n: 2 });
    expect(entry!.value).toBeCloseTo(0.687898, 6);
  });
});

describe('controls', () => {
  it('are maps of any size', () => {
    expect(controlMap('centre', { width: 1, height: 1 }, 0, 0)).toEqual(Float32Array.of(1));
  });

  const size = { width: 8, height: 6 };

  it('random: of seed and image alone', () => {
    const map = controlMap('random', size, 3, 7);
    expect(controlMap('random', size, 3, 7)).toEqual(map);
    for (const other of [
      controlMap('random', size, 3, 8),
      controlMap('random', size, 4, 7),
      controlMap('random', size, 7, 3),
    ])
      expect(other).not.toEqual(map);
    const large = controlMap('random', { width: 224, height: 224 }, 0, 0);
    expect(large.reduce((sum, value) => sum + value, 0) / large.length).toBeCloseTo(0.5, 2);
    expect(Math.min(...large)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...large)).toBeLessThanOrEqual(1);
  });

  it('centre: a Gaussian of a quarter of the shorter side', () => {
    const map = controlMap('centre', { width: 9, height: 9 }, 0, 0);
    expect(map[4 * 9 + 4]).toBe(1);
    expect(map[4 * 9 + 7]).toBeCloseTo(Math.exp(-9 / (2 * (9 / 4) ** 2)), 6);
    expect(map[7 * 9 + 4]).toBe(map[4 * 9 + 7]);
    expect(Math.max(...controlMap('centre', size, 0, 0))).toBe(1);
    expect(controlMap('centre', { width: 1, height: 1 }, 0, 0)).toEqual(Float32Array.of(1));
  });

  it('constant', () => {
    expect(new Set(controlMap('constant', size, 0, 0))).toEqual(new Set([1]));
  });
});
