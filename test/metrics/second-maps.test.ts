import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ExplainAgain, MetricCase } from '../../lib/metrics/definition.ts';
import { parseMetricParam } from '../../lib/metrics/params.ts';
import { findMetric } from '../../lib/metrics/registry.ts';
import { histogramEntropy } from '../../lib/metrics/support/histogram-entropy.ts';
import { expectError } from '../helpers/expect-error.ts';
import { type Asked, judge, type Plane } from './cases.ts';

interface Repeated {
  readonly mean: number;
  readonly se: number;
  readonly sd: number;
}
const golden: { side: number } & Record<'captum' | 'quantus-max' | 'quantus-avg', Repeated> = JSON.parse(
  readFileSync(new URL('../golden/metrics/sensitivity.json', import.meta.url), 'utf8'),
);

/** The made explanation of the golden script. */
const INPUT = Float32Array.from({ length: golden.side ** 2 }, (_, i) => ((i * 7) % 11) / 10);
function squares(input: Float32Array): Float32Array {
  const mean = input.reduce((sum, value) => sum + value, 0) / input.length;
  return input.map(value => value ** 2 + mean);
}
const explain = async ({ input }: ExplainAgain) => squares(input!);
const plane: Plane = { data: squares(INPUT), width: golden.side, height: golden.side };

const sensitivity = async (name: string, seed: number, asked: Asked = {}) =>
  (await judge(name, plane, { explain, parts: { input: INPUT, seed }, ...asked })).value!;

describe('sensitivity', () => {
  it.each([
    ['max-sensitivity', 'captum', 100, undefined],
    ['max-sensitivity', 'quantus-max', 20, 'quantus'],
    ['avg-sensitivity', 'quantus-avg', 20, 'quantus'],
  ] as const)('%s has the mean of %s', async (name, tool, repeats, convention) => {
    const values: number[] = [];
    for (let seed = 0; seed < repeats; seed++) values.push(await sensitivity(name, seed, { convention }));
    const mean = values.reduce((sum, value) => sum + value) / repeats;
    const { mean: theirs, se, sd } = golden[tool];
    expect(Math.abs(mean - theirs)).toBeLessThan(4 * Math.hypot(se, sd / Math.sqrt(repeats)));
  });

  it('is the same whatever comes first, and another for another seed, image and metric', async () => {
    const value = await sensitivity('max-sensitivity', 3);
    const late = async (again: ExplainAgain) => {
      await new Promise(resolve => setTimeout(resolve, (again.input![0]! * 1e6) % 5));
      return explain(again);
    };
    expect(await sensitivity('max-sensitivity', 3, { explain: late })).toBe(value);
    expect(await sensitivity('max-sensitivity', 4)).not.toBe(value);
    const elsewhere = await sensitivity('max-sensitivity', 3, { parts: { input: INPUT, seed: 3, index: 1 } });
    expect(elsewhere).not.toBe(value);
    const one = { params: { n: 1 } };
    expect(await sensitivity('avg-sensitivity', 3, one)).not.toBe(await sensitivity('max-sensitivity', 3, one));
  });

  it('the first samples stay when more are drawn', async () => {
    const few = await sensitivity('max-sensitivity', 0, { params: { n: 5 } });
    expect(await sensitivity('max-sensitivity', 0, { params: { n: 50 } })).toBeGreaterThanOrEqual(few);
  });

  it('of a map of zeros divides by one, under Quantus by nothing', async () => {
    const zeros = { ...plane, data: new Float32Array(INPUT.length) };
    const ones = async () => new Float32Array(INPUT.length).fill(1);
    expect((await judge('max-sensitivity', zeros, { explain: ones, parts: { input: INPUT } })).value).toBe(6);
    const asked = { explain: ones, parts: { input: INPUT }, convention: 'quantus' } as const;
    expect((await judge('max-sensitivity', zeros, asked)).value).toBeNull();
  });

  it('says so when a map is not finite, and ends when aborted', async () => {
    const broken = async () => new Float32Array(INPUT.length).fill(NaN);
    expect(await judge('avg-sensitivity', plane, { explain: broken, parts: { input: INPUT } })).toMatchObject({
      value: null,
      reason: expect.stringContaining('not finite'),
    });
    await expectError(
      () => judge('avg-sensitivity', plane, { explain, signal: AbortSignal.abort(), parts: { input: INPUT } }),
      'ERR_ABORTED',
    );
  });
});

/** A map of 8 × 8 that is another one after so many units; flat from `dead` units on. */
function network(dead = Infinity) {
  const asked: ExplainAgain['randomized'][] = [];
  const explainRandom = async ({ randomized }: ExplainAgain) => {
    asked.push(randomized);
    const count = randomized!.unit + 1;
    return Float32Array.from(RAMP, (value, i) => (count >= dead ? 0 : i < 12 * count ? 1 - value : value));
  };
  return { asked, explain: explainRandom };
}
const RAMP = Float32Array.from({ length: 64 }, (_, i) => i / 63);
const ramp: Plane = { data: RAMP, width: 8, height: 8 };

describe('mprt', () => {
  it('has a curve over the units, its mean and its last value', async () => {
    const { asked, explain } = network();
    const { value, curve, details } = await judge('mprt', ramp, { explain, units: 3 });
    expect(asked).toEqual([0, 1, 2].map(unit => ({ order: 'top-down', unit })));
    expect(curve!.x).toEqual([1, 2, 3]);
    const [first, second, third] = curve!.y as [number, number, number];
    expect(first).toBeGreaterThan(second);
    expect(second).toBeGreaterThan(third);
    expect(value).toBeCloseTo((first + second + third) / 3, 12);
    expect(details).toEqual({ last: third, undefined: 0 });
    const quantus = await judge('mprt', ramp, { explain, units: 3, convention: 'quantus' });
    expect(quantus.value).toBeCloseTo((1 + first + second + third) / 4, 12);
  });

  it.each([
    [{ units: 2 }, [3, 6]],
    [{ units: 4 }, [2, 3, 5, 6]],
    [{ units: 99 }, [1, 2, 3, 4, 5, 6]],
    [{ units: 'stages', order: 'bottom-up' }, [1, 4, 6]],
    [{ units: 'stages' }, [2, 5, 6]],
    [{ order: 'independent' }, [1, 2, 3, 4, 5, 6]],
  ] as const)('%j', async (params, counts) => {
    const { asked, explain } = network();
    const { curve } = await judge('mprt', ramp, { explain, params, units: 6, stageUnits: [1, 4, 6] });
    expect(curve!.x).toEqual(counts);
    const order = (params as { order?: string }).order ?? 'top-down';
    expect(asked).toEqual(counts.map(count => ({ order, unit: count - 1 })));
  });

  it('counts maps that are flat', async () => {
    const some = await judge('mprt', ramp, { explain: network(2).explain, units: 3 });
    expect(some.curve!.x).toEqual([1]);
    expect(some.details).toEqual({ last: null, undefined: 2 });
    expect(some.value).toBe(some.curve!.y[0]);
    const none = await judge('mprt', ramp, { explain: network(1).explain, units: 3 });
    expect(none).toMatchObject({ value: null, reason: expect.stringContaining('flat'), details: { undefined: 3 } });
  });

  it('compares by SSIM too', async () => {
    const { value } = await judge('mprt', ramp, {
      explain: network().explain,
      units: 1,
      params: { similarity: 'ssim' },
    });
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(1);
    const same = await judge('mprt', ramp, { explain: async () => RAMP, units: 1, params: { similarity: 'ssim' } });
    expect(same.value).toBeCloseTo(1, 12);
  });

  it('has no value without weights, or without stages where these are asked for', async () => {
    const { explain } = network();
    expect((await judge('mprt', ramp, { explain, units: 0 })).reason).toMatch(/no weights/);
    expect((await judge('mprt', ramp, { explain, units: 2, params: { units: 'stages' } })).reason).toMatch(/a number/);
    expect((await judge('emprt', ramp, { explain, units: 0 })).reason).toMatch(/no weights/);
  });

  it('takes units as a number or a name', async () => {
    const { explain } = network();
    for (const units of [0, 1.5, 'some', true])
      await expectError(
        () => judge('mprt', ramp, { explain, units: 2, params: { units } }),
        'ERR_OPTION_INVALID',
        'units',
      );
    expect(parseMetricParam(findMetric('mprt'), 'units', '3')).toBe(3);
    expect(parseMetricParam(findMetric('mprt'), 'units', 'stages')).toBe('stages');
  });
});

describe('emprt', () => {
  it('is the relative gain of entropy when all units are random', async () => {
    const { asked, explain } = network();
    const steep: Plane = { ...ramp, data: RAMP.map(value => value ** 8) };
    const { value, details } = await judge('emprt', steep, { explain, units: 5, params: { bins: 10 } });
    expect(asked).toEqual([{ order: 'top-down', unit: 4 }]);
    const before = histogramEntropy(Float32Array.from(steep.data), 10);
    expect(details!.before).toBe(before);
    expect(value).toBeCloseTo((details!.after! - before) / before, 12);
    expect(value).toBeGreaterThan(0);
  });

  it('has none where the randomised network gives a flat map', async () => {
    const { value, reason } = await judge('emprt', ramp, { explain: network(1).explain, units: 5 });
    expect(value).toBeNull();
    expect(reason).toMatch(/randomised network/);
  });
});

describe('random logit', () => {
  const classes = { target: 1, logits: [0.5, 9, -1, 3] };
  const perClass: MetricCase['explain'] = async ({ classIndex }) => RAMP.map(value => value ** (classIndex! + 1));
  const other = async (asked: Asked = {}) =>
    (await judge('random-logit', ramp, { explain: perClass, parts: { classes }, ...asked })).details!.other;

  it('compares with the runner-up, another, or a given class', async () => {
    expect(await other()).toBe(3);
    expect(await other({ params: { other: 2 } })).toBe(2);
    const drawn = new Set<number | null>();
    for (let seed = 0; seed < 60; seed++)
      drawn.add((await other({ convention: 'quantus', parts: { classes, seed } })) as number);
    expect([...drawn].sort()).toEqual([0, 2, 3]);
    for (const index of [1, 4])
      await expectError(() => other({ params: { other: index } }), 'ERR_OPTION_INVALID', `${index}`);
  });

  it('of the target first among equals takes the first of the others', async () => {
    expect(await other({ parts: { classes: { target: 0, logits: [1, 1, 1] } } })).toBe(1);
  });

  it('is 1 and says why where the method does not look at the class', async () => {
    const { value, reason } = await judge('random-logit', ramp, {
      explain: async () => RAMP.slice(),
      parts: { classes },
    });
    expect(value).toBeCloseTo(1, 12);
    expect(reason).toMatch(/does not look at the class/);
  });

  it('has no value without another class, or a map of it', async () => {
    expect((await judge('random-logit', ramp, { explain: perClass })).reason).toMatch(/no other class/);
    const flat = async () => new Float32Array(64);
    const { value, reason } = await judge('random-logit', ramp, { explain: flat, parts: { classes } });
    expect([value, reason]).toEqual([null, 'the map of class 3 is the same everywhere']);
  });

  it('takes correlations, and lines under Quantus', async () => {
    const of = async (asked: Asked) =>
      (await judge('random-logit', ramp, { explain: perClass, parts: { classes }, ...asked })).value!;
    expect(await of({ params: { similarity: 'spearman' } })).toBeCloseTo(1, 12);
    expect(await of({ params: { similarity: 'pearson' } })).toBeLessThan(1);
    const line = await of({ convention: 'quantus', params: { other: 'second' } });
    expect(line).not.toBeCloseTo(await of({}), 3);
  });
});
