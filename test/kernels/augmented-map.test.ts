import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../lib/common/random.ts';
import { augmentedMap } from '../../lib/kernels/augmented-map.ts';
import { kernelThreads, type Maps, setKernelThreads } from '../../lib/kernels/index.ts';
import { type Mapping, rotation, translation } from '../../lib/kernels/warp.ts';
import {
  AugmentedObjective,
  observationRows,
  augmentedMap as twin,
} from '../../lib/reference/kernels/augmented-map.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { expectError } from '../helpers/expect-error.ts';
import { describeTiers } from './tiers.ts';

interface Golden {
  readonly count: number;
  readonly observed: readonly [number, number];
  readonly size: readonly [number, number];
  /** Whether the first map was seen as it is. */
  readonly identity: boolean;
  /** Its λ for each map. */
  readonly variation: number;
  readonly shift: number;
  readonly iterations: number;
  /** Every so many of the pixels. */
  readonly step: number;
  readonly loss: number;
  readonly gradient: readonly number[];
  readonly map: readonly number[];
}
const goldens: readonly Golden[] = JSON.parse(
  readFileSync(new URL('../golden/augmented-map.json', import.meta.url), 'utf8'),
);

/** The formulas of test/golden/make_augmented_map.py. */
const share = (i: number, factor: number) => ((i * factor) % 1009) / 1009;

function problemOf({ count, observed, size, identity, variation, shift, iterations }: Golden) {
  const [height, width] = size;
  const mappings = Array.from({ length: count }, (_, i): Mapping[] =>
    identity && i === 0
      ? [rotation(0, { height, width }), translation(0, 0)]
      : [
          rotation(share(i + 1, 613) - 0.5, { height, width }),
          translation((2 * share(i + 1, 347) - 1) * shift, (2 * share(i + 1, 821) - 1) * shift),
        ],
  );
  const length = count * observed[0] * observed[1];
  const data = Float32Array.from({ length }, (_, i) => share(i + 5, 7919));
  const maps: Maps = { data, dims: [count, ...observed] };
  return {
    maps,
    options: { height, width, mappings, totalVariation: variation * count, energy: 0.0001 * count, iterations },
  };
}

/** A problem of any sizes. */
const problems = fc
  .record({
    count: fc.integer({ min: 1, max: 4 }),
    steps: fc.integer({ min: 1, max: 3 }),
    observed: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
    height: fc.integer({ min: 1, max: 19 }),
    width: fc.integer({ min: 1, max: 19 }),
    seed: fc.nat(),
  })
  .map(({ count, steps, observed, height, width, seed }) => {
    const random = new Random(seed);
    const mapping = (): Mapping =>
      random.uniform() < 0.5
        ? rotation(random.normal(), { height, width })
        : translation(3 * random.normal(), 3 * random.normal());
    const data = Float32Array.from({ length: count * observed[0] * observed[1] }, () => random.uniform());
    const maps: Maps = { data, dims: [count, ...observed] };
    const mappings = Array.from({ length: count }, () => Array.from({ length: steps }, mapping));
    return { maps, options: { height, width, mappings, totalVariation: 0.01, energy: 0.001, iterations: 7 }, random };
  });

describeTiers('augmented maps', use => {
  it.each(goldens)('are those of PyTorch: $count × $observed of $size, $iterations steps', async golden => {
    use();
    const { maps, options } = problemOf(golden);
    const { data, dims } = await augmentedMap(maps, options);
    expect(dims).toEqual([1, ...golden.size]);
    const sampled = data.filter((_, i) => i % golden.step === 0);
    if (golden.step === 1 || golden.iterations < 5) return expectClose(sampled, golden.map, 1e-7);
    // Of many pixels some come back to equal values but for the last digit, which decides what the variation does to them.
    const differences = sampled.map((value, i) => Math.abs(value - golden.map[i]!));
    expect(Math.max(...differences)).toBeLessThan(0.03);
    expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThan(5e-4);
  });

  it('are their twins, for any sizes and mappings', async () => {
    use();
    // Without the variation, whose derivative jumps where two pixels see the same.
    await fc.assert(
      fc.asyncProperty(problems, async ({ maps, options: all }) => {
        const options = { ...all, totalVariation: 0 };
        expectClose((await augmentedMap(maps, options)).data, twin(maps, options).data, 1e-7);
      }),
      { numRuns: 100 },
    );
  });
});

describe('what augmented maps minimise', () => {
  it.each(goldens.filter(({ step }) => step === 1))('has the value and derivative of autograd: $size', golden => {
    const { maps, options } = problemOf(golden);
    const objective = new AugmentedObjective(maps, options);
    const map = Float64Array.from({ length: options.height * options.width }, (_, i) => share(i + 1, 331));
    expect(objective.value(map)).toBeCloseTo(golden.loss, 9);
    expectClose(objective.gradient(map), golden.gradient, 1e-8);
  });

  it('has the derivative of finite differences', () => {
    fc.assert(
      fc.property(problems, ({ maps, options, random }) => {
        const objective = new AugmentedObjective(maps, options);
        const map = Float64Array.from({ length: options.height * options.width }, () => random.normal());
        const direction = map.map(() => random.normal());
        const at = (step: number) => objective.value(map.map((value, i) => value + step * direction[i]!));
        const gradient = objective.gradient(map).reduce((sum, value, i) => sum + value * direction[i]!, 0);
        const [near, far] = [1e-6, 2e-6].map(step => (at(step) - at(-step)) / (2 * step));
        // Where a difference between neighbours changes its sign within the step, there is nothing to compare.
        fc.pre(Math.abs(near! - far!) < 1e-7 * (1 + Math.abs(near!)));
        expect(Math.abs(near! - gradient)).toBeLessThan(1e-5 * (1 + Math.abs(gradient)));
      }),
      { numRuns: 200 },
    );
  });

  it('sees a flat map as flat where nothing comes from outside', () => {
    const mappings = [rotation(0.3, { height: 40, width: 40 }), translation(2, -1)];
    const rows = observationRows(mappings, { height: 5, width: 5 }, { height: 40, width: 40 });
    const sum = (row: Map<number, number>) => [...row.values()].reduce((total, weight) => total + weight, 0);
    expect(sum(rows[12]!)).toBeCloseTo(1, 12);
    expect(rows.every(row => sum(row) < 1 + 1e-12)).toBe(true);
  });
});

describe('augmented maps', () => {
  const threads = kernelThreads();
  afterAll(() => setKernelThreads(threads));

  it('are the same numbers for any number of threads', async () => {
    const { maps, options } = problemOf({ ...goldens.at(-1)!, count: 50, observed: [28, 28], iterations: 20 });
    setKernelThreads(1);
    const alone = await augmentedMap(maps, options);
    for (const count of [2, 3, 8]) {
      setKernelThreads(count);
      expect(await augmentedMap(maps, options)).toEqual(alone);
    }
  });

  it('are zeros without steps, or where nothing was seen', async () => {
    const { maps, options } = problemOf(goldens[0]!);
    const zeros = new Float32Array(options.height * options.width);
    expect((await augmentedMap(maps, { ...options, iterations: 0 })).data).toEqual(zeros);
    const away = maps.dims[0];
    const mappings = Array.from({ length: away }, () => [translation(1e9, 0)]);
    expect((await augmentedMap(maps, { ...options, mappings })).data).toEqual(zeros);
    const far = mappings.map((): Mapping[] => [[1e308, 1e308, 0, 0, 1, 0]]);
    expect((await augmentedMap(maps, { ...options, mappings: far })).data.every(Number.isFinite)).toBe(true);
  });

  it('that were seen as they are rise where something is', async () => {
    const maps: Maps = { data: Float32Array.of(0, 0, 0, 1), dims: [1, 2, 2] };
    const size = { height: 8, width: 8 };
    const options = { ...size, mappings: [[translation(0, 0)]], totalVariation: 0, energy: 0, iterations: 10 };
    const { data } = await augmentedMap(maps, options);
    // Half-pixel: the cell's centre lies between pixels 5 and 6 of both axes.
    expect([...data.keys()].filter(i => data[i] !== 0)).toEqual([45, 46, 53, 54]);
    expect(data[45]).toBeGreaterThan(0.009);
  });

  it('a NaN spreads to the pixels that it is seen from, and no further', async () => {
    const maps: Maps = { data: Float32Array.of(0, 0.5, 1, Number.NaN), dims: [1, 2, 2] };
    const options = { height: 8, width: 8, mappings: [[translation(0, 0)]], totalVariation: 0.01, energy: 0.001 };
    const { data } = await augmentedMap(maps, { ...options, iterations: 5 });
    expect([...data.keys()].filter(i => Number.isNaN(data[i]))).toEqual([45, 46, 53, 54]);
  });

  it('refuse what does not fit', async () => {
    const { maps, options } = problemOf(goldens[0]!);
    const refused = (change: object, input: Maps = maps) => augmentedMap(input, { ...options, ...change });
    await expectError(() => refused({}, { ...maps, dims: [6, 5, 5] }), 'ERR_INPUT_SHAPE', '120');
    await expectError(() => refused({}, { ...maps, dims: [5, 5, 4] }), 'ERR_INPUT_SHAPE', '5 maps');
    await expectError(() => refused({}, { data: new Float32Array(), dims: [6, 0, 0] }), 'ERR_INPUT_SHAPE');
    await expectError(() => refused({ height: 0 }), 'ERR_INPUT_SHAPE');
    await expectError(() => refused({ width: 2.5 }), 'ERR_INPUT_SHAPE');
    await expectError(() => refused({ height: 2e9, width: 2e9 }), 'ERR_INPUT_SHAPE', 'more elements');
    await expectError(() => refused({ iterations: -1 }), 'ERR_INPUT_SHAPE');
    await expectError(() => refused({ iterations: Number.NaN }), 'ERR_INPUT_SHAPE');
    for (const change of [{ energy: -1 }, { totalVariation: Number.NaN }, { rate: Number.POSITIVE_INFINITY }]) {
      await expectError(() => refused(change), 'ERR_OPTION_INVALID', 'at least 0');
    }
    const one = translation(0, 0);
    const times = (count: number) => Array.from({ length: 6 }, () => Array.from({ length: count }, () => one));
    await expectError(() => refused({ mappings: times(0) }), 'ERR_OPTION_INVALID', 'at least one');
    await expectError(() => refused({ mappings: times(5) }), 'ERR_OPTION_INVALID', 'up to 4');
    await expectError(() => refused({ mappings: [...times(1).slice(1), [one, one]] }), 'ERR_OPTION_INVALID');
    const odd = times(1).with(3, [[1, 0, Number.NaN, 0, 1, 0]]);
    await expectError(() => refused({ mappings: odd }), 'ERR_OPTION_INVALID', 'finite');
  });

  it('are aborted in the middle', async () => {
    const { maps, options } = problemOf({ ...goldens.at(-1)!, count: 60, observed: [28, 28], iterations: 100_000 });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 60);
    const started = performance.now();
    await expectError(() => augmentedMap(maps, { ...options, signal: controller.signal }), 'ERR_ABORTED');
    expect(performance.now() - started).toBeLessThan(800);
  });
});
