import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputToPicture, pictureToInput, place, type Size } from '../../lib/image/geometry.ts';
import { edgesOf, gridOf, gridOverWhole } from '../../lib/image/map-grid.ts';
import { findBoxes } from '../../lib/result/boxes.ts';
import { findPeaks } from '../../lib/result/peaks.ts';

const SIZE: fc.Arbitrary<Size> = fc.record({
  width: fc.integer({ min: 1, max: 400 }),
  height: fc.integer({ min: 1, max: 400 }),
});
const PLACEMENT = fc
  .record({
    picture: SIZE,
    input: SIZE,
    fit: fc.constantFrom('squeeze', 'crop', 'letterbox'),
    cropPct: fc.constantFrom(null, 0.875),
  })
  .map(({ picture, input, fit, cropPct }) => place(picture, input, fit, { cropPct }));
const MAP_SIDE = fc.integer({ min: 1, max: 24 });

describe('a box of cells', () => {
  it('holds their part of the picture, and is less than a pixel larger', async () => {
    await fc.assert(
      fc.asyncProperty(
        PLACEMENT,
        fc.tuple(MAP_SIDE, MAP_SIDE),
        fc.constantFrom('input', 'picture'),
        fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()),
        async (placement, [width, height], mapSize, [a, b, c, d]) => {
          const { picture, input } = placement;
          const edges = edgesOf({ width, height }, gridOf({ width, height }, mapSize, placement));
          const [columns, rows] = [edges.columns.length - 1, edges.rows.length - 1];
          const [x0, x1] = [a % columns, b % columns].sort((m, n) => m - n) as [number, number];
          const [y0, y1] = [c % rows, d % rows].sort((m, n) => m - n) as [number, number];
          const data = new Float32Array(columns * rows);
          for (let y = y0; y <= y1; y++) data.fill(1, y * columns + x0, y * columns + x1 + 1);
          const [box] = await findBoxes({ data, width: columns, height: rows }, { minArea: 0 }, edges);
          // By hand: edges of cells into the input, and from there into the picture.
          const back = inputToPicture(placement);
          const along = (edge: number, count: number, side: 'x' | 'y') => {
            const length = side === 'x' ? 'width' : 'height';
            const at =
              mapSize === 'picture'
                ? (edge * picture[length]) / count
                : ((edge * input[length]) / count) * back[side].scale + back[side].offset;
            return Math.min(picture[length], Math.max(0, at));
          };
          const right = [
            [box!.x, along(edges.left + x0, width, 'x'), -1],
            [box!.x + box!.width, along(edges.left + x1 + 1, width, 'x'), 1],
            [box!.y, along(edges.top + y0, height, 'y'), -1],
            [box!.y + box!.height, along(edges.top + y1 + 1, height, 'y'), 1],
          ] as const;
          for (const [edge, exact, outwards] of right) {
            expect(Number.isInteger(edge)).toBe(true);
            expect(outwards * (edge - exact)).toBeGreaterThan(-1e-4);
            expect(outwards * (edge - exact)).toBeLessThan(1);
          }
          expect(box!.area).toBeLessThanOrEqual(box!.width * box!.height + 1e-4);
          expect(box!.sum).toBeCloseTo(box!.area, 3);
          const [u, v] = box!.centroid;
          expect(u).toBeGreaterThanOrEqual(box!.x - 0.5 - 1e-6);
          expect(u).toBeLessThanOrEqual(box!.x + box!.width - 0.5 + 1e-6);
          expect(v).toBeGreaterThanOrEqual(box!.y - 0.5 - 1e-6);
          expect(v).toBeLessThanOrEqual(box!.y + box!.height - 0.5 + 1e-6);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('edges', () => {
  it('leave out what lies outside the picture, and nothing else', () => {
    fc.assert(
      fc.property(PLACEMENT, fc.tuple(MAP_SIDE, MAP_SIDE), (placement, [width, height]) => {
        const { left, top, columns, rows } = edgesOf({ width, height }, gridOf({ width, height }, 'layer', placement));
        const { x, y } = pictureToInput(placement);
        const { input, picture } = placement;
        for (const [first, edges, side, count] of [
          [left, columns, x, width],
          [top, rows, y, height],
        ] as const) {
          const [length, over] =
            count === width && edges === columns ? [picture.width, input.width] : [picture.height, input.height];
          const lies = (cell: number) => {
            const [from, to] = [cell, cell + 1].map(edge => ((edge * over) / count - side.offset) / side.scale);
            return to! > 1e-5 && from! < length - 1e-5;
          };
          for (let cell = 0; cell < count; cell++)
            if (lies(cell)) expect(cell >= first && cell < first + edges.length - 1).toBe(true);
          expect(edges.every((edge, i) => i === 0 || edge >= edges[i - 1]!)).toBe(true);
          expect(edges.at(-1)!).toBeLessThanOrEqual(length);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('peaks of a small map', () => {
  it('lie in the middle of their cells, further apart than the distance', async () => {
    const data = Float32Array.of(1, 0, 0, 0.8, 0, 0.9);
    const map = { data, width: 6, height: 1 };
    const edges = edgesOf(map, gridOverWhole(map, { width: 60, height: 20 }));
    const at = async (minDistance: number) => (await findPeaks(map, { minDistance }, edges)).map(({ x, y }) => [x, y]);
    expect(await at(1)).toEqual([
      [5, 10],
      [55, 10],
      [35, 10],
    ]);
    expect(await at(20)).toEqual([
      [5, 10],
      [55, 10],
    ]);
    expect(await at(50)).toEqual([[5, 10]]);
    expect(await at(49)).toEqual([
      [5, 10],
      [55, 10],
    ]);
  });
});
