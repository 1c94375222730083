import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../lib/common/random.ts';
import { place } from '../../lib/image/geometry.ts';
import { placementOf } from '../../lib/image/map-size.ts';
import { restoreMaps } from '../../lib/image/restore-map.ts';
import { resize } from '../../lib/reference/kernels/maps.ts';
import { fromHalf, toHalf } from '../../lib/report/half.ts';
import { smallMap } from '../../lib/report/small-map.ts';
import { valuesOf } from '../../web/draw/place-map.ts';
import { enlarged, largest } from './enlarged.ts';

const STEP = 1 / 255;

function randomMap(cells: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: cells }, () => random.uniform());
}

describe('a small map', () => {
  const side = fc.integer({ min: 40, max: 400 });
  const cells = fc.integer({ min: 1, max: 16 });
  const fit = fc.constantFrom('squeeze', 'crop', 'letterbox');

  test('gives back what was enlarged from the layer, at its size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ width: side, height: side, columns: cells, rows: cells, fit, seed: fc.nat() }),
        async ({ width, height, columns, rows, fit, seed }) => {
          const placement = place({ width, height }, { width: 224, height: 224 }, fit as 'squeeze');
          const layer = randomMap(columns * rows, seed);
          const map = await restoreMaps({ data: layer, dims: [1, rows, columns] }, placement);
          const small = smallMap(
            { data: map.data, width, height },
            { over: 'picture', placement },
            { width: columns, height: rows },
          );
          expect(small).toMatchObject({ type: 'float16' });
          expect(largest(enlarged(small, width, height), map.data)).toBeLessThan(1.01 * STEP);
        },
      ),
      {
        numRuns: 150,
        // Crops whose edge runs through the middle of a row.
        examples: [
          [{ width: 42, height: 399, columns: 1, rows: 1, fit: 'crop', seed: 0 }],
          [{ width: 116, height: 203, columns: 1, rows: 1, fit: 'crop', seed: 0 }],
        ],
      },
    );
  });

  test('of the layer alone has its very values', async () => {
    const placement = place({ width: 640, height: 427 }, { width: 224, height: 224 }, 'squeeze');
    const layer = randomMap(49, 3);
    const at = placementOf(placement, { width: 320, height: 214 });
    const map = await restoreMaps({ data: layer, dims: [1, 7, 7] }, at);
    const small = smallMap(
      { data: map.data, width: 320, height: 214 },
      { over: 'picture', placement },
      { width: 7, height: 7 },
    );
    const values = valuesOf(small);
    expect(small).toMatchObject({ width: 7, height: 7 });
    expect(largest(values, layer)).toBeLessThan(1e-3);
  });

  test('over the input lies over what the input shows', async () => {
    const placement = place({ width: 400, height: 300 }, { width: 224, height: 224 }, 'crop');
    const layer = { data: randomMap(49, 4), dims: [1, 7, 7] as [number, number, number] };
    const atInput = resize(layer, { width: 224, height: 224, interpolation: 'bilinear' });
    const small = smallMap(
      { data: atInput.data, width: 224, height: 224 },
      { over: 'input', placement },
      { width: 7, height: 7 },
    );
    const map = await restoreMaps(layer, placement);
    expect(small).toMatchObject({ width: 7, height: 7 });
    expect(largest(enlarged(small, 400, 300), map.data)).toBeLessThan(STEP);
  });

  test('of an early layer has its size', async () => {
    const placement = place({ width: 512, height: 341 }, { width: 224, height: 224 }, 'squeeze');
    const map = await restoreMaps({ data: randomMap(112 * 112, 8), dims: [1, 112, 112] }, placement);
    const own = { width: 112, height: 112 };
    const small = smallMap({ data: map.data, width: 512, height: 341 }, { over: 'picture', placement }, own);
    expect(small).toMatchObject({ ...own, type: 'uint8' });
    expect(largest(enlarged(small, 512, 341), map.data)).toBeLessThan(STEP);
  });

  test('without a small grid is stored at the input at most', () => {
    const placement = place({ width: 500, height: 400 }, { width: 224, height: 224 }, 'squeeze');
    const map = { data: randomMap(500 * 400, 5), width: 500, height: 400 };
    expect(smallMap(map, { over: 'picture', placement }, { width: 224, height: 224 })).toMatchObject({
      width: 224,
      height: 224,
      type: 'uint8',
    });
  });

  test('smaller than the layer keeps its own size', () => {
    const placement = place({ width: 500, height: 400 }, { width: 224, height: 224 }, 'squeeze');
    const map = { data: randomMap(20, 6), width: 5, height: 4 };
    expect(smallMap(map, { over: 'picture', placement }, { width: 7, height: 7 })).toMatchObject({
      width: 5,
      height: 4,
    });
  });
});

test('halves are those of IEEE 754, rounded to nearest', () => {
  const values = [0, 2 ** -24, 3 * 2 ** -25, 2 ** -14, 0.1, 1 / 3, 0.5, 0.99951171875, 0.9999, 1, 1.5];
  expect([...toHalf(values)]).toEqual([0, 1, 2, 0x400, 0x2e66, 0x3555, 0x3800, 0x3bff, 0x3c00, 0x3c00, 0x3e00]);
  expect([...fromHalf(toHalf([0, 2 ** -24, 0.5, 1]))]).toEqual([0, 2 ** -24, 0.5, 1]);
});
