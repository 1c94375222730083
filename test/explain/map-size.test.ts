import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import type { HeatMap } from '../../lib/result/explanation-fields.ts';
import { expectError } from '../helpers/expect-error.ts';

const MODEL = new URL('../../assets/efficientnet-lite0.onnx', import.meta.url);
/** 600 × 400. */
const COFFEE = new URL('../../assets/pictures/coffee.jpg', import.meta.url);

/** Bilinear, half-pixel, borders repeated: `map` over all of a grid of another size. */
function stretched({ data, width, height }: HeatMap, [columns, rows]: readonly [number, number]): Float32Array {
  const taps = (from: number, to: number) =>
    Array.from({ length: to }, (_, i) => {
      const at = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
      const low = Math.floor(at);
      return { low, high: Math.min(low + 1, from - 1), weight: at - low };
    });
  const across = taps(width, columns);
  const value = (row: number, { low, high, weight }: { low: number; high: number; weight: number }) =>
    (1 - weight) * data[row * width + low]! + weight * data[row * width + high]!;
  return Float32Array.from(
    taps(height, rows).flatMap(({ low, high, weight }) =>
      across.map(tap => (1 - weight) * value(low, tap) + weight * value(high, tap)),
    ),
  );
}

function expectNear({ data }: Pick<HeatMap, 'data'>, right: Float32Array, tolerance = 1e-5): void {
  expect(data.length).toBe(right.length);
  expect(data.reduce((most, value, i) => Math.max(most, Math.abs(value - right[i]!)), 0)).toBeLessThan(tolerance);
}

describe('mapSize', () => {
  let cam: Explainer;
  let cropping: Explainer;
  beforeAll(async () => {
    cam = await load(MODEL, { preprocess: { preset: 'imagenet', fit: 'squeeze' } });
    cropping = await load(MODEL, { preprocess: { preset: 'imagenet', fit: 'crop' } });
  });
  afterAll(() => Promise.all([cam.dispose(), cropping.dispose()]));
  const of = (mapSize: unknown, by = cam, image: URL | Buffer = COFFEE) =>
    by.explain(image, { mapSize: mapSize as never }) as Promise<Explanation>;

  it('is the picture by default, at most so many pixels, or what is given; overlays follow', async () => {
    const layer = await of('layer');
    expect([layer.map.width, layer.map.height]).toEqual([7, 7]);
    for (const [mapSize, width, height] of [
      [undefined, 600, 400],
      ['picture', 600, 400],
      [{ max: 1024 }, 600, 400],
      [{ max: 150 }, 150, 100],
      [{ max: 1 }, 1, 1],
      [[50, 90], 50, 90],
      [[700, 500], 700, 500],
      ['input', 224, 224],
    ] as const) {
      const result = await of(mapSize);
      expect([result.map.width, result.map.height]).toEqual([width, height]);
      expectNear(result.map, stretched(layer.map, [width, height]));
      expect(result.raw.data).toEqual(layer.raw.data);
      const { info } = await result.overlay();
      expect([info.width, info.height]).toEqual(mapSize === 'input' ? [600, 400] : [width, height]);
    }
  });

  it('draws the smaller picture under the smaller map', async () => {
    const small = await (await of({ max: 150 })).overlay({ alpha: 0 });
    const plain = await sharp(await sharp(COFFEE.pathname).raw().toBuffer(), {
      raw: { width: 600, height: 400, channels: 3 },
    })
      .resize(150, 100, { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
    const difference = small.data.reduce((sum, value, i) => sum + Math.abs(value - plain[i]!), 0) / plain.length;
    expect(difference).toBeLessThan(3);
  });

  it('leaves what a crop cut away at 0 over the picture, and out over the input', async () => {
    const { map } = await of({ max: 150 }, cropping);
    const columns = Array.from({ length: 150 }, (_, x) => map.data[50 * 150 + x]!);
    // The crop shows the middle 400 of 600 columns.
    expect(columns.slice(0, 24).every(value => value === 0)).toBe(true);
    expect(columns.slice(126).every(value => value === 0)).toBe(true);
    const whole = await of('picture', cropping);
    // Pixels are not where the layer's are, so that what was sampled twice differs a little from what was sampled once.
    const expected = Array.from({ length: 80 }, (_, i) => sampled(whole.map, (i + 40.5) * 4, 50.5 * 4));
    expectNear({ data: Float32Array.from(columns.slice(40, 120)) }, Float32Array.from(expected), 2e-3);
    const input = await of('input', cropping);
    const layer = await of('layer', cropping);
    expectNear(input.map, stretched(layer.map, [224, 224]));
    // Overlays of both are those of the picture.
    const right = await whole.overlay();
    for (const result of [input, layer]) {
      const { data, info } = await result.overlay();
      expect([info.width, info.height]).toEqual([600, 400]);
      const off = data.reduce((most, value, i) => Math.max(most, Math.abs(value - right.data[i]!)), 0);
      expect(off).toBeLessThanOrEqual(result === layer ? 1 : 60);
    }
  });

  it('holds for tensors and deep pictures', async () => {
    const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i / 997));
    const tensor = (await cam.explain(
      { type: 'float32', data, dims: [1, 3, 224, 224] },
      { mapSize: { max: 56 } },
    )) as Explanation;
    expect([tensor.map.width, (await tensor.overlay()).info.width]).toEqual([56, 56]);
    const grey = await sharp(COFFEE.pathname).toColourspace('grey16').png().toBuffer();
    const deep = await of({ max: 64 }, cam, grey);
    expect([deep.map.width, (await deep.overlay()).info.height]).toEqual([64, 43]);
  });

  it.each([0, 'large', { max: 0 }, { max: 10, min: 1 }, [10], [10, 1.5], [1e9, 1], null])('refuses %j', async value => {
    await expectError(() => of(value), 'ERR_OPTION_INVALID', /mapSize/);
  });
});

function sampled({ data, width, height }: HeatMap, x: number, y: number): number {
  const [column, row] = [x - 0.5, y - 0.5];
  const [left, top] = [Math.floor(column), Math.floor(row)];
  const at = (r: number, c: number) => data[Math.min(r, height - 1) * width + Math.min(c, width - 1)]!;
  const across = (r: number) => (1 - column + left) * at(r, left) + (column - left) * at(r, left + 1);
  return (1 - row + top) * across(top) + (row - top) * across(top + 1);
}
