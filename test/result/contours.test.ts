import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findComponents } from '../../lib/result/components.ts';
import { type Cells, findContours, type Point } from '../../lib/result/contours.ts';
import { noise } from '../helpers/model-builder.ts';

const cellsOf = (...rows: readonly string[]): Cells => ({
  cells: Uint8Array.from(rows.join(''), Number),
  width: rows[0]!.length,
  height: rows.length,
});

const CELLS: fc.Arbitrary<Cells> = fc
  .integer({ min: 1, max: 12 })
  .chain(width =>
    fc
      .array(fc.array(fc.constantFrom(0, 1), { minLength: width, maxLength: width }), { minLength: 1, maxLength: 12 })
      .map(rows => ({ width, height: rows.length, cells: Uint8Array.from(rows.flat()) })),
  );

/** Whether a point lies inside, by the crossings of a ray (no centre of a cell lies on a line of an outline). */
function surrounds(ring: readonly Point[], [x, y]: Point): boolean {
  let inside = false;
  ring.forEach(([x1, y1], i) => {
    const [x0, y0] = ring.at(i - 1)!;
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
  });
  return inside;
}

/** Twice the signed area. */
const turning = (ring: readonly Point[]) =>
  ring.reduce((sum, [x, y], i) => sum + ring.at(i - 1)![0] * y - x * ring.at(i - 1)![1], 0);

describe('contours', () => {
  it.each([4, 8] as const)(
    'hold the cells of their parts and no others, joined through %i neighbours',
    async connectivity => {
      await fc.assert(
        fc.asyncProperty(CELLS, async mask => {
          const { cells, width, height } = mask;
          const found = await findContours(mask, { connectivity });
          const { count, runs, rows, begins, ends, numbers } = findComponents(cells, width, height, connectivity);
          expect(found).toHaveLength(count);
          const partOf = new Int32Array(cells.length).fill(-1);
          for (let i = 0; i < runs; i++)
            partOf.fill(numbers[i]!, rows[i]! * width + begins[i]!, rows[i]! * width + ends[i]!);
          const seen = new Set<number>();
          for (const { outline, holes, area } of found) {
            const own = [...cells.keys()].filter(i => {
              const centre = [(i % width) + 0.5, Math.floor(i / width) + 0.5] as const;
              return surrounds(outline, centre) && !holes.some(hole => surrounds(hole, centre));
            });
            expect(own).toHaveLength(area);
            const part = partOf[own[0]!]!;
            expect(own.every(i => partOf[i] === part)).toBe(true);
            seen.add(part);
            for (const hole of holes) expect(Math.sign(turning(hole))).toBe(-Math.sign(turning(outline)));
          }
          expect(seen.size).toBe(count);
          expect(found.map(({ area }) => area)).toEqual(found.map(({ area }) => area).sort((a, b) => b - a));
        }),
        { numRuns: 300 },
      );
    },
  );

  it('run half a pixel around the centres, corners cut, without points on straight lines', async () => {
    const [square] = await findContours(cellsOf('00000', '01110', '01110', '00000'));
    expect(new Set(square!.outline.map(String))).toEqual(
      new Set(['1.5,1', '3.5,1', '4,1.5', '4,2.5', '3.5,3', '1.5,3', '1,2.5', '1,1.5']),
    );
    const [whole] = await findContours(cellsOf('11', '11'));
    expect(Math.min(...whole!.outline.flat())).toBe(0);
    expect(Math.max(...whole!.outline.flat())).toBe(2);
  });

  it('join diagonal neighbours with 8, and part them with 4', async () => {
    const diagonal = cellsOf('100', '010', '001');
    expect((await findContours(diagonal)).map(({ area }) => area)).toEqual([3]);
    expect(await findContours(diagonal, { connectivity: 4 })).toHaveLength(3);
    const ring = cellsOf('0110', '1001', '0110');
    expect((await findContours(ring))[0]!.holes).toHaveLength(1);
    expect((await findContours(ring, { connectivity: 4 })).map(({ holes }) => holes.length)).toEqual([0, 0, 0, 0]);
  });

  it('have islands in their holes', async () => {
    const found = await findContours(cellsOf('11111', '10001', '10101', '10001', '11111'));
    expect(found.map(({ area, holes }) => [area, holes.length])).toEqual([
      [16, 1],
      [1, 0],
    ]);
  });

  it('come largest first, so many, of so many pixels', async () => {
    const parts = cellsOf('1011', '0000', '1110');
    const areas = async (search: Parameters<typeof findContours>[1]) =>
      (await findContours(parts, search)).map(({ area }) => area);
    expect(await areas({})).toEqual([3, 2, 1]);
    expect(await areas({ max: 2 })).toEqual([3, 2]);
    expect(await areas({ minArea: 2 })).toEqual([3, 2]);
    expect(await findContours(cellsOf('00', '00'))).toEqual([]);
  });

  // All parts and holes at once take d3-contour half a minute.
  it('of noise take a second or two', async () => {
    const side = 700;
    const cells = Uint8Array.from(noise([side, side], 3).data, value => (value > 0 ? 1 : 0));
    const start = performance.now();
    const found = await findContours({ cells, width: side, height: side });
    expect(found.length).toBeGreaterThan(100);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
