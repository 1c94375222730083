import { describe, expect, it } from 'vitest';
import { pearson } from '../../lib/common/pearson.ts';
import { spearman } from '../../lib/metrics/support/spearman.ts';
import { G, judge, S } from './cases.ts';

/** Metrics of the map alone on the fixture's map, as the specification lists them. */
const WORKED: readonly [metric: string, value: number, asked?: Parameters<typeof judge>[2]][] = [
  ['pointing-game', 1],
  ['energy-pointing-game', 0.340993],
  ['rank-accuracy', 0.5],
  ['top-k', 0.6, { params: { k: 5 } }],
  ['top-k', 2.4, { params: { k: 5, conceptInfluence: true } }],
  ['roc-auc', 0.875],
  ['box-iou', 0.25],
  ['box-iou', 0.25, { params: { threshold: { ofMax: 0.5 } } }],
  ['box-iou', 0.25, { params: { threshold: { ofMax: 0.8 } } }],
  ['sparseness', 0.23472, { convention: 'quantus' }],
  ['sparseness', 0.23472],
  ['entropy', 2.636147],
  ['entropy', 2.636147, { convention: 'quantus' }],
  ['effective-complexity', 15],
];

describe('worked values', () => {
  it.each(WORKED)('%s %f', async (metric, value, asked = {}) => {
    expect((await judge(metric, S, { truth: G, ...asked })).value).toBeCloseTo(value, 5);
  });

  it('a Gini coefficient and an entropy by hand', async () => {
    const plane = { data: [0, 0.5, 1, 0.5], width: 2, height: 2 };
    expect((await judge('sparseness', plane)).value).toBeCloseTo(0.375, 6);
    expect((await judge('entropy', plane)).value).toBeCloseTo(1.039721, 6);
  });

  it('MaxBoxAcc stays at a quarter up to 0.8 and is a half at 0.9', async () => {
    const { curve, value, details } = await judge('max-box-acc', S, { truth: G, params: { interval: 0.1 } });
    expect(curve!.y.slice(0, 9)).toEqual(Array(9).fill(0.25));
    expect(curve!.y[9]).toBe(0.5);
    expect(value).toBe(1);
    expect(details).toEqual({ bestIou: 0.5 });
  });

  it('correlations with the mirror image', async () => {
    const map = Float32Array.from(S.data);
    const mirrored = map.map((_, i) => map[i - (i % 4) + 3 - (i % 4)]!);
    expect(pearson(map, mirrored)).toBeCloseTo(0.093445, 5);
    expect(await spearman(map, mirrored)).toBeCloseTo(0.522388, 5);
    expect(pearson([0, 0.5, 1, 0.5], [0, 0.25, 1, 0.75])).toBeCloseTo(0.894427, 6);
  });
});
