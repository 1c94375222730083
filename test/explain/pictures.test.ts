import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import type { load } from '../../lib/load.ts';
import type { HeatMap } from '../../lib/result/explanation-fields.ts';
import { brightnessModel, one } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { picture, pixelAt, type Rgb } from '../image/pictures.ts';

/** A black picture with one bright square: where the map has its mass is where the square must be. */
interface Blob {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
  readonly side: number;
  readonly colour?: Rgb;
}

function draw({ width, height, x, y, side, colour = [255, 255, 255] }: Blob) {
  const { data } = picture(width, height, (px, py) =>
    px >= x && px < x + side && py >= y && py < y + side ? colour : [0, 0, 0],
  );
  return { data, info: { width, height, channels: 3 as const } };
}

function centreOf({ data, width }: HeatMap): [x: number, y: number] {
  let [mass, x, y] = [0, 0, 0];
  data.forEach((value, i) => {
    mass += value;
    x += value * ((i % width) + 0.5);
    y += value * (Math.floor(i / width) + 0.5);
  });
  return [x / mass, y / mass];
}

/** The square's middle in pixels, within a part of a cell of the layer. */
function expectFound(map: HeatMap, blob: Blob, tolerance = 1.5): void {
  expect([map.width, map.height]).toEqual([blob.width, blob.height]);
  const [x, y] = centreOf(map);
  expect(Math.abs(x - (blob.x + blob.side / 2)), `x ${x}`).toBeLessThan(tolerance);
  expect(Math.abs(y - (blob.y + blob.side / 2)), `y ${y}`).toBeLessThan(tolerance);
}

const openModel = explainerOpener();
const open = (options: Parameters<typeof load>[1], model = brightnessModel()) => openModel(model, options);

const FITS = ['squeeze', 'crop', 'letterbox'] as const;
const SIZE: [number, number] = [64, 64];
/** Landscape, portrait, smaller and larger than the input, at places that a flip or swap would move. */
const BLOBS: Blob[] = [
  { width: 120, height: 60, x: 40, y: 10, side: 12 },
  { width: 60, height: 120, x: 38, y: 70, side: 12 },
  { width: 30, height: 40, x: 8, y: 22, side: 6 },
  { width: 401, height: 303, x: 250, y: 60, side: 40 },
];

describe('a bright square is found where it is', () => {
  for (const fit of FITS)
    it(`with ${fit}, in every convention`, async () => {
      const cam = await open({ preprocess: { preset: 'raw', size: SIZE, fit } });
      for (const blob of BLOBS)
        for (const convention of ['paper', 'pytorch-grad-cam', 'torchcam'] as const) {
          const { map, status, raw } = one(await cam.explain(draw(blob), { target: 0, convention }));
          expect(status).toBe('ok');
          expect(raw.dims).toEqual([16, 16]);
          expectFound(map, blob, Math.max(1.5, blob.side / 10));
        }
    });

  it('in a model that is not square', async () => {
    const model = brightnessModel({ height: 32, width: 96 });
    for (const fit of FITS) {
      const cam = await open({ preprocess: { preset: 'raw', fit } }, model);
      const blob = { width: 180, height: 80, x: 110, y: 40, side: 16 };
      expectFound(one(await cam.explain(draw(blob), { target: 0 })).map, blob, 2);
    }
  });

  it('at the borders of a letterbox; outside a crop the map is 0', async () => {
    const corner = { width: 120, height: 60, x: 0, y: 0, side: 16 };
    const boxed = await open({ preprocess: { preset: 'raw', size: SIZE, fit: 'letterbox' } });
    expectFound(one(await boxed.explain(draw(corner), { target: 0 })).map, corner, 3);
    const cropped = await open({ preprocess: { preset: 'raw', size: SIZE, fit: 'crop' } });
    const unseen = one(await cropped.explain(draw(corner), { target: 0 }));
    expect(unseen.status).toBe('zero');
    const { map } = one(await cropped.explain(draw({ ...corner, x: 22, y: 20, side: 16 }), { target: 0 }));
    for (let y = 0; y < 60; y++)
      for (let x = 0; x < 120; x++) if (x < 29 || x >= 91) expect(map.data[y * 120 + x]).toBe(0);
    expect(Math.max(...map.data)).toBeGreaterThan(0.5);
  });

  it('with every EXIF orientation', async () => {
    const cam = await open({ preprocess: { preset: 'raw', size: SIZE } });
    const blob = { width: 120, height: 80, x: 90, y: 12, side: 16 };
    const upright = draw(blob);
    const raw = () => sharp(upright.data, { raw: upright.info });
    const turned = async (angle: number, mirror = false) => {
      const first = await raw().rotate(angle).png().toBuffer();
      return mirror ? sharp(first).flop() : sharp(first);
    };
    const stored = {
      1: await turned(0),
      2: await turned(0, true),
      3: await turned(180),
      4: await turned(180, true),
      5: await turned(90, true),
      6: await turned(270),
      7: await turned(270, true),
      8: await turned(90),
    };
    for (const [orientation, pipeline] of Object.entries(stored)) {
      const jpeg = await pipeline
        .jpeg({ quality: 95 })
        .withMetadata({ orientation: Number(orientation) })
        .toBuffer();
      const result = one(await cam.explain(jpeg, { target: 0 }));
      expectFound(result.map, blob, 2);
      const overlay = await result.overlay();
      expect(overlay.info).toMatchObject({ width: 120, height: 80 });
      const [r, g, b] = pixelAt({ data: overlay.data, width: 120 }, 98, 20);
      expect(Math.min(r, 255 - b, 255 - g / 2), `orientation ${orientation}: ${[r, g, b]}`).toBeGreaterThan(60);
    }
  });
});

describe('colours', () => {
  it('reach the channel that they belong to', async () => {
    const square = { width: 64, height: 64, x: 8, y: 40, side: 12 };
    const red = draw({ ...square, colour: [255, 0, 0] });
    const blue = draw({ ...square, colour: [0, 0, 255] });
    const readsRed = brightnessModel({ channels: [1, 0, 0] });
    for (const [channelOrder, seen, unseen] of [
      ['rgb', red, blue],
      ['bgr', blue, red],
    ] as const) {
      const cam = await open({ preprocess: { preset: 'raw', size: SIZE, channelOrder } }, readsRed);
      expectFound(one(await cam.explain(seen, { target: 0 })).map, square);
      expect(one(await cam.explain(unseen, { target: 0 })).status).toBe('zero');
    }
  });

  it('red means important in heat map and overlay', async () => {
    const cam = await open({ preprocess: { preset: 'raw', size: SIZE } });
    const square = { width: 64, height: 64, x: 8, y: 40, side: 12 };
    const result = one(await cam.explain(draw(square), { target: 0 }));
    const heatmap = await result.heatmap();
    const [hot, cold] = [
      pixelAt({ data: heatmap.data, width: 64 }, 14, 46),
      pixelAt({ data: heatmap.data, width: 64 }, 50, 10),
    ];
    expect(hot[0]).toBeGreaterThan(hot[2] + 50);
    expect(cold[2]).toBeGreaterThan(cold[0] + 50);
  });
});

describe('odd pictures', () => {
  let cams: Explainer[];
  beforeAll(async () => {
    cams = await Promise.all(FITS.map(fit => open({ preprocess: { preset: 'raw', size: SIZE, fit } })));
  });

  it('of one pixel, and very long ones, give maps of their size', async () => {
    for (const [width, height] of [
      [1, 1],
      [1, 4000],
      [4000, 1],
      [2, 3],
    ] as const) {
      const { data } = picture(width, height, (x, y) => [(x * 7) % 256, (y * 5) % 256, 128]);
      const png = await sharp(data, { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer();
      for (const cam of cams) {
        const result = one(await cam.explain(png, { target: 0 }));
        expect([result.map.width, result.map.height, result.map.data.length]).toEqual([width, height, width * height]);
        expect(result.map.data.every(value => value >= 0 && value <= 1)).toBe(true);
        expect((await result.overlay()).info).toMatchObject({ width, height });
      }
    }
  });

  it('grey, with alpha, 16 bits, CMYK, animated: all are explained', async () => {
    const blob = { width: 64, height: 64, x: 8, y: 40, side: 16 };
    const { data, info } = draw(blob);
    const base = () => sharp(data, { raw: info });
    const forms = {
      grey: await base().greyscale().png().toBuffer(),
      alpha: await base().ensureAlpha(0.5).png().toBuffer(),
      deep: await base().toColourspace('rgb16').png().toBuffer(),
      cmyk: await base().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer(),
      animated: await sharp(await base().png().toBuffer())
        .gif({ loop: 0 })
        .toBuffer(),
      webp: await base().webp({ lossless: true }).toBuffer(),
      raw1: {
        data: Uint8Array.from({ length: 4096 }, (_, i) => data[3 * i]!),
        info: { width: 64, height: 64, channels: 1 },
      },
      raw4: { data: await base().ensureAlpha().raw().toBuffer(), info: { width: 64, height: 64, channels: 4 } },
    };
    for (const form of Object.values(forms)) expectFound(one(await cams[0]!.explain(form, { target: 0 })).map, blob, 3);
  });
});

describe('the event loop', () => {
  it('is free while a large picture is explained', async () => {
    const cam = await open({ preprocess: { preset: 'raw', size: [224, 224] } });
    const large = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: '#123456' } })
      .jpeg()
      .toBuffer();
    await cam.explain(large, { target: 0 });
    const start = performance.now();
    let [longest, last] = [0, start];
    const timer = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }, 1);
    const result = one(await cam.explain(large, { target: 0 }));
    await result.overlay();
    clearInterval(timer);
    const total = performance.now() - start;
    expect([result.map.width, result.map.height]).toEqual([4000, 3000]);
    // A share of the time, since machines are busy: decoding alone on this thread would take more than that.
    expect(Math.max(longest, performance.now() - last), `of ${total} ms`).toBeLessThan(total / 2);
  });
});
