import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classMean } from '../../lib/metrics/data-set/class-mean.ts';
import { maxBoxAcc } from '../../lib/metrics/data-set/max-box-acc.ts';
import { pooledPxap } from '../../lib/metrics/data-set/pooled-pxap.ts';
import { METRICS } from '../../lib/metrics/registry.ts';
import { expectError } from '../helpers/expect-error.ts';
import { G, judge, type Plane, S, truthOf } from './cases.ts';

const line = (...data: number[]): Plane => ({ data, width: data.length, height: 1 });
const localisation = METRICS.filter(({ family }) => family === 'localisation').map(({ name }) => name);

describe('pointing game', () => {
  it('takes the first of equal maxima, or any', async () => {
    const map = line(0, 1, 0.5, 1);
    const truth = truthOf([0, 0, 0, 1]);
    expect((await judge('pointing-game', map, { truth })).value).toBe(0);
    expect((await judge('pointing-game', map, { truth, params: { anyMaximum: true } })).value).toBe(1);
    for (const convention of ['quantus', 'openvino'] as const)
      expect((await judge('pointing-game', map, { truth, convention })).value).toBe(1);
    expect((await judge('pointing-game', map, { truth: truthOf([1, 0, 0, 0]), convention: 'quantus' })).value).toBe(0);
  });

  it('hits an object that is nearer than the tolerance', async () => {
    const map = { data: [0, 0, 0, 0, 0, 0, 0, 0, 1], width: 3, height: 3 };
    const truth = truthOf([1, 0, 0, 0, 0, 0, 0, 0, 0]);
    const hit = async (tolerance: number) =>
      (await judge('pointing-game', map, { truth, params: { tolerance } })).value;
    // Two across and two down: √8 away.
    expect([await hit(0), await hit(2.8), await hit(2.83)]).toEqual([0, 0, 1]);
    const straight = truthOf([0, 0, 1, 0, 0, 0, 0, 0, 0]);
    expect((await judge('pointing-game', map, { truth: straight, params: { tolerance: 2 } })).value).toBe(0);
    expect((await judge('pointing-game', map, { truth: straight, params: { tolerance: 2.001 } })).value).toBe(1);
  });

  it('looks for the maximum where pixels take part', async () => {
    const truth = truthOf([255, 1, 0]);
    expect((await judge('pointing-game', line(1, 0.9, 0.5), { truth })).value).toBe(1);
  });
});

describe('localisation', () => {
  it.each(localisation)('%s has no value without an object', async name => {
    const { value, reason } = await judge(name, S, { truth: truthOf(new Uint8Array(16)) });
    expect(value).toBeNull();
    expect(reason).toMatch(/marks nothing/);
  });

  it.each(localisation.filter(name => !/box/.test(name)))('%s leaves out what takes no part', async name => {
    // The same picture with a bright column that is to be ignored.
    const params = name === 'top-k' ? { k: 5 } : {};
    const wide = { data: S.data, width: 4, height: 4 };
    const data = [0, 1, 2, 3].flatMap(y => [...Array.from({ length: 4 }, (_, x) => S.data[4 * y + x]!), 1]);
    const mask = [0, 1, 2, 3].flatMap(y => [...G.mask.slice(4 * y, 4 * y + 4), 255]);
    const expected = (await judge(name, wide, { truth: G, params })).value;
    expect((await judge(name, { data, width: 5, height: 4 }, { truth: truthOf(mask), params })).value).toBe(expected);
  });

  it('energy of negative maps is refused, and a signed sum under Quantus', async () => {
    const truth = truthOf([1, 1, 0]);
    const map = line(1, 0.5, -0.5);
    expect(await judge('energy-pointing-game', map, { truth })).toMatchObject({
      value: null,
      reason: expect.stringContaining('negative'),
    });
    expect((await judge('energy-pointing-game', map, { truth, convention: 'quantus' })).value).toBe(1.5);
  });

  it('a map that is equal everywhere ranks nothing: chance', async () => {
    const flat = line(0.5, 0.5, 0.5, 0.5);
    const truth = truthOf([0, 1, 1, 0]);
    expect((await judge('roc-auc', flat, { truth })).value).toBe(0.5);
    expect((await judge('pxap', flat, { truth })).value).toBe(0.5);
    expect((await judge('energy-pointing-game', flat, { truth })).value).toBe(0.5);
    expect((await judge('iou', flat, { truth })).value).toBe(0.5);
    expect((await judge('rank-accuracy', flat, { truth })).value).toBe(0.5);
  });

  it('a map of zeros marks nothing', async () => {
    const zeros = line(0, 0, 0, 0);
    const truth = truthOf([0, 1, 1, 0], [[1, 0, 2, 1]]);
    expect((await judge('iou', zeros, { truth })).value).toBe(0);
    expect(await judge('box-iou', zeros, { truth })).toMatchObject({ value: 0, details: { correct: 0 } });
    expect((await judge('max-box-acc', zeros, { truth })).value).toBe(0);
  });

  it('an object that fills the picture has nothing beside it', async () => {
    expect((await judge('roc-auc', line(0, 1), { truth: truthOf([1, 1]) })).value).toBeNull();
    expect((await judge('pxap', line(0, 1), { truth: truthOf([1, 1]) })).value).toBe(1);
    // Nothing but objects, in any number of parts.
    for (let cells = 3; cells <= 60; cells++) {
      const ramp = line(...Array.from({ length: cells }, (_, i) => i / cells));
      expect((await judge('pxap', ramp, { truth: truthOf(new Array<number>(cells).fill(1)) })).value, `${cells}`).toBe(
        1,
      );
    }
  });

  it('top-k of too few pixels', async () => {
    expect(await judge('top-k', S, { truth: G })).toMatchObject({
      value: null,
      reason: expect.stringMatching(/16.*k = 1000/),
    });
    await expectError(
      () => judge('top-k', S, { truth: G, params: { k: 17 } }),
      'ERR_OPTION_INVALID',
      '16 pixels',
      '17',
    );
    expect((await judge('top-k', S, { truth: G, params: { k: 16 } })).value).toBe(0.25);
  });

  it('a box in parts of pixels, outside, and the best of several', async () => {
    const map = line(0, 1, 1, 0);
    const iouOf = async (...boxes: [number, number, number, number][]) =>
      (await judge('box-iou', map, { truth: truthOf([0, 1, 1, 0], boxes) })).value;
    expect(await iouOf([1, 0, 2, 1])).toBe(1);
    expect(await iouOf([1.5, 0, 2, 1])).toBeCloseTo(1.5 / 2.5, 12);
    expect(await iouOf([30, 0, 2, 1])).toBe(0);
    expect(await iouOf([30, 0, 2, 1], [2, 0, 1, 1])).toBe(0.5);
  });

  it('refuses thresholds that are none', async () => {
    for (const threshold of [
      0.3,
      '0.3',
      {},
      { ofMax: 2 },
      { quantile: -1 },
      { value: NaN },
      { value: 1, ofMax: 1 },
      { of: 1 },
    ])
      await expectError(
        () => judge('iou', S, { truth: G, params: { threshold } }),
        'ERR_OPTION_INVALID',
        /ofMax|quantile is/,
      );
  });

  it('stays in its range, whatever the map', async () => {
    const inputs = fc.integer({ min: 2, max: 7 }).chain(width =>
      fc
        .array(fc.tuple(fc.integer({ min: 0, max: 8 }), fc.constantFrom(0, 1, 1, 255)), {
          minLength: 2 * width,
          maxLength: 2 * width,
        })
        .map(cells => ({ width, height: 2, data: cells.map(([v]) => v / 8), mask: cells.map(([, m]) => m) })),
    );
    await fc.assert(
      fc.asyncProperty(inputs, async ({ mask, ...map }) => {
        const truth = truthOf(mask, [[0, 0, 2, 1]]);
        for (const name of localisation) {
          const { value } = await judge(name, map, { truth, params: name === 'top-k' ? { k: 1 } : {} }).catch(error => {
            if (/fewer than k/.test(error.message)) return { value: null };
            throw error;
          });
          if (value === null) continue;
          expect(value, name).toBeGreaterThanOrEqual(0);
          expect(value, name).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('the area under the curve is symmetric and blind to monotone changes', async () => {
    const cells = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom(0, 1)), {
      minLength: 2,
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(cells, async pairs => {
        const truth = truthOf(pairs.map(([, m]) => m));
        const of = async (change: (v: number) => number) =>
          (await judge('roc-auc', line(...pairs.map(([v]) => change(v))), { truth })).value;
        const value = await of(v => v / 5);
        if (value === null) return;
        expect(await of(v => (v / 5) ** 3)).toBeCloseTo(value, 12);
        expect(await of(v => 1 - v / 5)).toBeCloseTo(1 - value, 12);
      }),
      { numRuns: 100 },
    );
  });
});

describe('over a data set', () => {
  it('MaxBoxAcc has one threshold for all pictures', () => {
    const curves = [
      [0.6, 0.2, 0],
      [0, 0.7, 0.55],
      [0, 0.4, 0.9],
    ];
    expect(maxBoxAcc(curves, [0.5])).toEqual({ value: 2 / 3, at: 2 });
    expect(maxBoxAcc(curves, [0.3, 0.5, 0.7])!.value).toBeCloseTo((2 / 3 + 2 / 3 + 1 / 3) / 3, 12);
    expect(maxBoxAcc(curves, [0.5], [2, 1, 0])).toEqual({ value: 2 / 3, at: 0 });
    expect(maxBoxAcc([], [0.5])).toBeNull();
  });

  it('PxAP pools the pixels of all pictures', async () => {
    const a = { map: line(0.9, 0.1, 0.5), mask: [1, 0, 1] };
    const b = { map: line(0.7, 0.8, 0.2), mask: [0, 1, 0] };
    const kept = await Promise.all(
      [a, b].map(async ({ map, mask }) => (await judge('pxap', map, { truth: truthOf(mask) })).kept!),
    );
    const both = line(...Array.from(a.map.data), ...Array.from(b.map.data));
    const pooled = (await judge('pxap', both, { truth: truthOf([...a.mask, ...b.mask]) })).value;
    expect(pooledPxap(kept)).toBe(pooled);
    expect(pooled).toBeCloseTo(1 / 3 + 1 / 3 + (3 / 4) * (1 / 3), 12);
    expect(pooledPxap(kept, [3, 0])).toBe(1);
    expect(pooledPxap([])).toBeNull();
  });

  it('classes count alike', () => {
    expect(classMean([1, 1, 0, null, 0], ['cat', 'cat', 'cat', 'cat', 'dog'])).toBeCloseTo(1 / 3, 12);
    expect(classMean([1, 0], [3, 4], [5, 1])).toBe(0.5);
    expect(classMean([null], ['cat'])).toBeNull();
  });
});
