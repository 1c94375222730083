import { describe, expect, test } from 'vitest';
import { Random } from '../../lib/common/random.ts';
import { drawSubset } from '../../lib/metrics/support/subsets.ts';
import { type FixtureCase, measureFixture } from '../helpers/fixture-network.ts';

const RANDOM: readonly (readonly [string, FixtureCase])[] = [
  ['mu-fidelity', { params: { cells: 4, n: 50 } }],
  ['faithfulness-correlation', { params: { subset: 4, n: 50 } }],
  ['faithfulness-correlation', { params: { subset: 4, n: 50 }, convention: 'quantus' }],
  ['infidelity', { params: { perturbation: 'gaussian' } }],
];

describe.each(RANDOM)('%s', (name, how) => {
  test('depends on seed and image', async () => {
    const value = async (seed: number, index: number) => (await measureFixture(name, { ...how, seed, index })).value;
    expect(await value(3, 1)).toBe(await value(3, 1));
    expect(new Set([await value(3, 1), await value(4, 1), await value(3, 2)]).size).toBe(3);
  });

  test('the first samples of many are those of few', async () => {
    const images = async (n: number) => {
      const ran: NonNullable<FixtureCase['ran']> = [];
      await measureFixture(name, { ...how, params: { ...how.params, n }, ran });
      return ran.map(({ from, order }) => [from, order]);
    };
    expect((await images(20)).slice(0, 5)).toEqual(await images(5));
  });
});

/** Mean and standard error over seeds. */
async function over(seeds: number, name: string, how: FixtureCase): Promise<{ mean: number; error: number }> {
  const values: number[] = [];
  for (let seed = 0; seed < seeds; seed++) values.push((await measureFixture(name, { ...how, seed })).value!);
  const mean = values.reduce((a, b) => a + b) / seeds;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (seeds - 1);
  return { mean, error: Math.sqrt(variance / seeds) };
}

test("Quantus' faithfulness correlation of the fixture: −.1206 on average, single runs .0957 apart", async () => {
  const how = { convention: 'quantus', params: { subset: 4 } } as const;
  const { mean, error } = await over(200, 'faithfulness-correlation', how);
  expect(Math.abs(mean + 0.1206)).toBeLessThan(4 * Math.SQRT2 * error);
  expect(Math.abs(error * Math.sqrt(200) - 0.0957)).toBeLessThan(0.02);
});

test('of one channel, subsets of values are subsets of pixels', async () => {
  const params = { subset: 4, score: 'logit', baseline: 'zero' };
  const pixels = await measureFixture('faithfulness-correlation', { params });
  const values = await measureFixture('faithfulness-correlation', { params, convention: 'quantus' });
  expect(values.value).toBe(pixels.value);
});

test('subsets have the asked size, no number twice, and every number as often as another', () => {
  const counts = new Uint32Array(10);
  for (let seed = 0; seed < 2000; seed++) {
    const subset = drawSubset(10, 4, new Random(seed));
    expect([...subset]).toEqual([...new Set(subset)].sort((a, b) => a - b));
    expect(subset).toHaveLength(4);
    for (const number of subset) counts[number]!++;
  }
  // Binomial: 800 expected, deviation 22.
  for (const count of counts) expect(Math.abs(count - 800)).toBeLessThan(110);
  expect([...drawSubset(3, 3, new Random(1))]).toEqual([0, 1, 2]);
});

test('μ-fidelity removes a fifth of the cells, whole ones', async () => {
  const ran: NonNullable<FixtureCase['ran']> = [];
  await measureFixture('mu-fidelity', { params: { cells: 2, n: 2000 }, ran });
  const sizes = ran.map(({ order }) => order!.length);
  expect(sizes.every(size => size % 4 === 0)).toBe(true);
  // 2000 × 4 cells of 4 pixels at .2: 6400 pixels, deviation 143.
  expect(Math.abs(sizes.reduce((a, b) => a + b) - 6400)).toBeLessThan(700);
  expect(
    [...ran.find(({ order }) => order!.length === 4)!.order!].map(pixel => (pixel >> 3) * 2 + ((pixel >> 1) & 1)),
  ).toSatisfy((cells: number[]) => new Set(cells).size === 1);
});
