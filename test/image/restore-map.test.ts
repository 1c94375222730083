import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedPlacement, place } from '../../lib/image/geometry.ts';
import { prepareImage } from '../../lib/image/preprocess.ts';
import { resolvePreprocess } from '../../lib/image/preprocess-options.ts';
import { restoreMaps } from '../../lib/image/restore-map.ts';
import { resize } from '../../lib/kernels/index.ts';
import { largestDifference, picture } from './pictures.ts';

const size = (width: number, height: number) => ({ width, height });
/** A map [1, h, w] of `value(x, y)` at the centres of its cells, in the input's coordinates. */
function mapOver(
  input: { width: number; height: number },
  w: number,
  h: number,
  value: (x: number, y: number) => number,
) {
  const data = Float32Array.from({ length: w * h }, (_, i) =>
    value((((i % w) + 0.5) * input.width) / w, ((Math.floor(i / w) + 0.5) * input.height) / h),
  );
  return { data, dims: [1, h, w] as const };
}

describe('restoreMaps', () => {
  it('squeeze is the half-pixel resize to the picture', async () => {
    const maps = mapOver(size(224, 224), 7, 7, (x, y) => Math.sin(x / 40) + y / 99);
    const restored = await restoreMaps(maps, place(size(301, 97), size(224, 224), 'squeeze'));
    const expected = await resize(maps, { width: 301, height: 97, interpolation: 'bilinear' });
    expect(restored.dims).toEqual([1, 97, 301]);
    expect(largestDifference(restored.data, expected.data)).toBeLessThan(1e-6);
  });

  // A linear function of the input's coordinates must come out as the same function of the picture's, mapped there:
  // any flip, transposition, shift or scale shows.
  it.each(['squeeze', 'crop', 'letterbox'] as const)('keeps a slope in its place: %s', async fit => {
    for (const [picture, input] of [
      [size(300, 200), size(64, 64)],
      [size(90, 200), size(64, 48)],
      [size(31, 30), size(100, 120)],
    ] as const) {
      const placement = place(picture, input, fit);
      const { resized, window, target } = placement;
      const value = (x: number, y: number) => 0.01 * x - 0.02 * y + 1;
      const [w, h] = [input.width / 2, input.height / 2];
      const restored = await restoreMaps(mapOver(input, w, h, value), placement);
      let [compared, outside, error] = [0, 0, 0];
      for (let y = 0; y < picture.height; y++) {
        for (let x = 0; x < picture.width; x++) {
          const u = ((x + 0.5) * resized.width) / picture.width - window.x + target.x;
          const v = ((y + 0.5) * resized.height) / picture.height - window.y + target.y;
          const actual = restored.data[y * picture.width + x]!;
          if (u < 0 || v < 0 || u >= input.width || v >= input.height) {
            outside = Math.max(outside, Math.abs(actual));
          } else if (u > 1 && v > 1 && u < input.width - 1 && v < input.height - 1) {
            error = Math.max(error, Math.abs(actual - value(u, v)));
            compared++;
          }
        }
      }
      expect(compared).toBeGreaterThan(100);
      expect(outside).toBe(0);
      expect(error).toBeLessThan(1e-5);
    }
  });

  it.each(['squeeze', 'crop', 'letterbox'] as const)(
    'a bright spot of the picture comes back to where it was: %s',
    async fit => {
      // The network is the identity: its "map" is the input's first channel at input resolution.
      for (const [width, height, spotX, spotY] of [
        [120, 80, 47, 22],
        [60, 150, 41, 66],
      ] as const) {
        const image = picture(width, height, (x, y) =>
          Math.abs(x - spotX) <= 2 && Math.abs(y - spotY) <= 2 ? [255, 255, 255] : [0, 0, 0],
        );
        const preprocess = resolvePreprocess({ preset: 'unit', fit, size: [64, 56] });
        const { tensor, placement } = await prepareImage(image, preprocess);
        const channel = { data: tensor.data.subarray(0, 64 * 56), dims: [1, 56, 64] as const };
        const { data } = await restoreMaps(channel, placement);
        let mass = 0;
        let [centreX, centreY] = [0, 0];
        data.forEach((value, i) => {
          mass += value;
          centreX += value * (i % width);
          centreY += value * Math.floor(i / width);
        });
        expect(mass).toBeGreaterThan(5);
        expect(Math.abs(centreX / mass - spotX)).toBeLessThan(0.35);
        expect(Math.abs(centreY / mass - spotY)).toBeLessThan(0.35);
      }
    },
  );

  it('is 0 outside the crop, and nothing of the margin shows inside a letterbox', async () => {
    const ones = { data: new Float32Array(49).fill(1), dims: [1, 7, 7] as const };
    const crop = await restoreMaps(ones, place(size(400, 100), size(224, 224), 'crop'));
    const row = [...crop.data.subarray(0, 400)];
    expect(row.filter(value => value === 1).length).toBe(100);
    expect(row.indexOf(1)).toBe(150);
    const letterbox = await restoreMaps(ones, place(size(400, 100), size(224, 224), 'letterbox'));
    expect(letterbox.data.every(value => value === 1)).toBe(true);
  });

  it('stays within the range of the map, for any sizes', async () => {
    const side = fc.integer({ min: 1, max: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(side, side, side, side),
        fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
        fc.constantFrom('squeeze', 'crop', 'letterbox'),
        async ([pw, ph, iw, ih], [w, h], fit) => {
          const placement = place(size(pw, ph), size(iw, ih), fit);
          const { data, dims } = await restoreMaps(
            mapOver(size(iw, ih), w, h, (x, y) => 0.2 + 0.6 * Math.abs(Math.sin(x * 3 + y))),
            placement,
          );
          expect(dims).toEqual([1, ph, pw]);
          expect(
            data.every(value => (fit === 'crop' && value === 0) || (value >= 0.2 - 1e-6 && value <= 0.8 + 1e-6)),
          ).toBe(true);
        },
      ),
    );
  });

  it('takes several maps', async () => {
    const placement = place(size(30, 20), size(16, 16), 'crop');
    const one = mapOver(size(16, 16), 4, 4, x => x);
    const two = mapOver(size(16, 16), 4, 4, (_, y) => y);
    const both = { data: Float32Array.from([...one.data, ...two.data]), dims: [2, 4, 4] as const };
    const restored = await restoreMaps(both, placement);
    expect(restored.dims).toEqual([2, 20, 30]);
    expect(restored.data.subarray(0, 600)).toEqual((await restoreMaps(one, placement)).data);
    expect(restored.data.subarray(600)).toEqual((await restoreMaps(two, placement)).data);
  });

  it.each(['squeeze', 'crop', 'letterbox'] as const)('turns back a flipped input: %s', async fit => {
    const placement = place(size(90, 70), size(64, 48), fit);
    const value = (x: number, y: number) => 0.01 * x - 0.02 * y + 1;
    const plain = await restoreMaps(mapOver(size(64, 48), 16, 12, value), placement);
    const flipped = changedPlacement(placement, {
      x: { scale: -1, offset: 64 },
      y: { scale: 1, offset: 0 },
      size: size(64, 48),
    });
    const restored = await restoreMaps(
      mapOver(size(64, 48), 16, 12, (x, y) => value(64 - x, y)),
      flipped,
    );
    expect(largestDifference(restored.data, plain.data)).toBeLessThan(1e-6);
  });
});
