import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBoxes } from '../../lib/result/boxes.ts';
import { type Connectivity, extentsOf, findComponents } from '../../lib/result/components.ts';
import { findPeaks } from '../../lib/result/peaks.ts';

/** A picture of zeros and ones. */
const CELLS = fc
  .integer({ min: 1, max: 12 })
  .chain(width =>
    fc
      .array(fc.array(fc.constantFrom(0, 1), { minLength: width, maxLength: width }), { minLength: 1, maxLength: 12 })
      .map(rows => ({ width, height: rows.length, cells: Uint8Array.from(rows.flat()) })),
  );

/** The number of each cell's component by flooding from the first cell that has none; −1 outside. */
function flooded(cells: Uint8Array, width: number, height: number, connectivity: Connectivity): number[] {
  const numbers = Array<number>(cells.length).fill(-1);
  let count = 0;
  for (let start = 0; start < cells.length; start++) {
    if (!cells[start] || numbers[start] !== -1) continue;
    const open = [start];
    numbers[start] = count;
    while (open.length > 0) {
      const at = open.pop()!;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (let dy = -1; dy <= 1; dy++)
        for (let dx = -1; dx <= 1; dx++) {
          if (connectivity === 4 && dx !== 0 && dy !== 0) continue;
          const [u, v] = [x + dx, y + dy];
          const next = v * width + u;
          if (u < 0 || v < 0 || u >= width || v >= height || !cells[next] || numbers[next] !== -1) continue;
          numbers[next] = count;
          open.push(next);
        }
    }
    count++;
  }
  return numbers;
}

describe('connected components', () => {
  it.each([4, 8] as const)('are those of a flood through %i neighbours, in the same order', connectivity => {
    fc.assert(
      fc.property(CELLS, ({ cells, width, height }) => {
        const components = findComponents(cells, width, height, connectivity);
        const numbers = Array<number>(cells.length).fill(-1);
        const { runs, rows, begins, ends } = components;
        for (let i = 0; i < runs; i++) {
          const row = rows[i]! * width;
          numbers.fill(components.numbers[i]!, row + begins[i]!, row + ends[i]!);
        }
        const expected = flooded(cells, width, height, connectivity);
        expect(numbers).toEqual(expected);
        expect(components.count).toBe(Math.max(...expected) + 1);
        for (const [component, { x0, y0, x1, y1 }] of extentsOf(components).entries()) {
          const own = [...numbers.keys()].filter(i => numbers[i] === component);
          const [xs, ys] = [own.map(i => i % width), own.map(i => Math.floor(i / width))];
          expect([x0, x1, y0, y1]).toEqual([Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]);
        }
      }),
      { numRuns: 300 },
    );
  });
});

const map = (data: number[], width: number) => ({
  data: Float32Array.from(data),
  width,
  height: data.length / width,
});

describe('boxes', () => {
  // A wide flat part, a tall bright one, a single pixel that outshines both.
  const parts = map(
    [
      [0.3, 0.3, 0.3, 0.3, 0.3, 0.3],
      [0, 0, 0, 0, 0, 0],
      [0.8, 0, 1, 0, 0, 0],
      [0.8, 0, 0, 0, 0, 0],
      [0.8, 0, 0, 0, 0, 0],
    ].flat(),
    6,
  );

  it('come by area, sum or peak, so many, of so many pixels', async () => {
    const boxes = (search = {}) =>
      findBoxes(parts, search).then(found => found.map(({ x, y, width, height }) => [x, y, width, height]));
    expect(await boxes()).toEqual([[0, 0, 6, 1]]);
    expect(await boxes({ by: 'sum' })).toEqual([[0, 2, 1, 3]]);
    expect(await boxes({ by: 'peak' })).toEqual([[2, 2, 1, 1]]);
    expect(await boxes({ max: 5 })).toEqual([
      [0, 0, 6, 1],
      [0, 2, 1, 3],
      [2, 2, 1, 1],
    ]);
    expect(await boxes({ max: 5, minArea: 3 })).toHaveLength(2);
    expect(await boxes({ threshold: { ofMax: 0.3 } })).toEqual([[0, 2, 1, 3]]);
    expect(await boxes({ threshold: { value: 0.9 } })).toEqual([[2, 2, 1, 1]]);
    expect(await boxes({ threshold: 'otsu' })).toEqual([[0, 2, 1, 3]]);
    expect(await boxes({ threshold: { quantile: 0.85 } })).toEqual([[0, 2, 1, 3]]);
    expect(await boxes({ threshold: { meanStd: 2 } })).toEqual([[0, 2, 1, 3]]);
  });

  it('say where the weight lies', async () => {
    const [box] = await findBoxes(parts, { by: 'sum' });
    expect(box).toEqual({
      x: 0,
      y: 2,
      width: 1,
      height: 3,
      area: 3,
      sum: expect.closeTo(2.4, 5),
      peak: expect.closeTo(0.8, 6),
      centroid: [0, 3],
    });
  });

  it('the first of equal ones, none of zeros', async () => {
    const twins = map([1, 0, 1, 0, 0, 0, 1, 0, 1], 3);
    expect((await findBoxes(twins, { connectivity: 4 })).map(({ x, y }) => [x, y])).toEqual([[0, 0]]);
    expect(await findBoxes(map([0, 0, 0, 0], 2))).toEqual([]);
    expect(await findBoxes(map([0, 0, 0, 0], 2), { threshold: { value: -1 } })).toEqual([]);
  });
});

describe('peaks', () => {
  it('lie apart, and nothing near exceeds them', async () => {
    await fc.assert(
      fc.asyncProperty(CELLS, fc.integer({ min: 0, max: 4 }), fc.nat(), async (cells, minDistance, seed) => {
        const { width, height } = cells;
        const data = Float32Array.from(cells.cells, (_, i) => ((i * 37 + seed) % 11) / 10);
        const found = await findPeaks({ data, width, height }, { minDistance });
        for (const [i, { x, y, value }] of found.entries()) {
          expect(value).toBe(data[y * width + x]);
          for (let v = 0; v < height; v++)
            for (let u = 0; u < width; u++)
              if (Math.max(Math.abs(u - x), Math.abs(v - y)) <= minDistance)
                expect(data[v * width + u]).toBeLessThanOrEqual(value);
          for (const before of found.slice(0, i)) {
            expect(before.value).toBeGreaterThanOrEqual(value);
            expect(Math.max(Math.abs(before.x - x), Math.abs(before.y - y))).toBeGreaterThan(minDistance);
          }
        }
        const largest = Math.max(...data);
        if (largest > Math.min(...data)) expect(found[0]?.value).toBe(largest);
        else expect(found).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('of a plateau the first pixel, so many at most, above the threshold', async () => {
    const plateau = map([1, 1, 0, 0, 0, 0.5], 6);
    const at = async (search: Parameters<typeof findPeaks>[1]) => (await findPeaks(plateau, search)).map(({ x }) => x);
    expect(await at({ minDistance: 1 })).toEqual([0, 5]);
    expect(await at({ minDistance: 1, max: 1 })).toEqual([0]);
    expect(await at({ minDistance: 1, threshold: { ofMax: 0.5 } })).toEqual([0]);
  });
});
