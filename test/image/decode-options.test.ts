import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openPicture } from '../../lib/image/decode.ts';
import { load } from '../../lib/load.ts';
import type { LoadOptions } from '../../lib/options.ts';
import { similarity } from '../../lib/targets/index.ts';
import { correlation } from '../helpers/correlation.ts';
import { expectError } from '../helpers/expect-error.ts';
import { one, plainModel } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { largestDifference, type Pixels, picture, quarters, texture } from './pictures.ts';

const open = explainerOpener();
const encode = ({ data, width, height }: Pixels) => sharp(data, { raw: { width, height, channels: 3 } });
const smooth = (width: number, height: number) =>
  picture(width, height, (x, y) => [
    Math.round(127 + 120 * Math.sin((9 * x) / width)),
    Math.round((255 * x) / width),
    Math.round((255 * y * y) / height ** 2),
  ]);

describe('limitInputPixels', () => {
  const image = texture(24, 10);
  const pages = { raw: { width: 24, height: 20, channels: 3, pageHeight: 10 } } as const;
  const twice = sharp(Buffer.concat([image.data, image.data]), pages);
  const sources: Record<string, () => Promise<Parameters<typeof openPicture>[0]>> = {
    png: () => encode(image).png().toBuffer(),
    jpeg: () => encode(image).jpeg().toBuffer(),
    'a turned jpeg': () => encode(image).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    webp: () => encode(image).webp().toBuffer(),
    tiff: () => encode(image).tiff().toBuffer(),
    avif: () => encode(image).avif().toBuffer(),
    'an animated gif': () =>
      twice
        .clone()
        .gif({ delay: [9, 9] })
        .toBuffer(),
    'an animated webp': () =>
      twice
        .clone()
        .webp({ delay: [9, 9] })
        .toBuffer(),
    svg: async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="24" height="10"/>'),
    'raw pixels': async () => ({ data: image.data, info: { width: 24, height: 10, channels: 3 } }),
  };

  it.each(Object.keys(sources))('holds for %s', async kind => {
    const source = await sources[kind]!();
    for (const limitInputPixels of [240, 241, 0, false, true, undefined]) {
      const opened = await openPicture(source, { limitInputPixels });
      const decoded = await opened.decode();
      expect(opened).toMatchObject({ width: decoded.width, height: decoded.height });
      expect(decoded.data.length).toBe(720);
    }
    const refused = await expectError(() => openPicture(source, { limitInputPixels: 239 }), 'ERR_IMAGE_INVALID');
    expect(refused.message).toMatch(/(24x10|10x24) pixels, more than the 239 that `limitInputPixels` allows/);
  });

  it('comes before anything is decoded, and says what an svg and a cut picture declare', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="20000"/>');
    await expectError(() => openPicture(svg), 'ERR_IMAGE_INVALID', '30000x20000 pixels');
    const jpeg = await encode(smooth(400, 300)).jpeg().toBuffer();
    const cut = jpeg.subarray(0, jpeg.length / 2);
    await expectError(() => openPicture(cut, { limitInputPixels: 1000 }), 'ERR_IMAGE_INVALID', '400x300 pixels');
    await expectError(async () => (await openPicture(cut)).decode(), 'ERR_IMAGE_INVALID', 'cannot be decoded');
  });

  it('is an option of load, for every picture that is read', async () => {
    const cam = await open(plainModel(), { limitInputPixels: 1000 });
    const [small, large] = [
      await encode(texture(40, 25)).png().toBuffer(),
      await encode(texture(40, 26)).png().toBuffer(),
    ];
    await cam.explain(small);
    const refused = (task: () => unknown) =>
      expectError(task, 'ERR_IMAGE_INVALID', '40x26', '1000', 'limitInputPixels');
    await refused(() => cam.explain(large));
    await refused(() => cam.explain([small, large]));
    await refused(() => cam.predict(large));
    await refused(() => cam.explain(small, { target: similarity(large) }));
    for await (const { input, error } of cam.stream([small, large]))
      expect(error?.code).toBe(input === large ? 'ERR_IMAGE_INVALID' : undefined);
    await (await open(plainModel(), { limitInputPixels: false })).explain(large);
  });

  it.each([-1, 1.5, Number.NaN, Infinity, '1000', null, [1000]])('is not %j', async limitInputPixels => {
    const options = { limitInputPixels } as LoadOptions;
    await expectError(() => load(plainModel(), options), 'ERR_OPTION_INVALID', 'limitInputPixels');
  });
});

describe('fast decoding', () => {
  it('is not anything else', async () => {
    const options = { decode: 'quick' } as unknown as LoadOptions;
    await expectError(() => load(plainModel(), options), 'ERR_OPTION_INVALID', '`decode` must be one of exact, fast');
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('gives a jpeg at the size wanted, upright (EXIF %i)', async orientation => {
    const jpeg = await encode(quarters(512, 384)).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
    const opened = await openPicture(jpeg);
    const [width, height] = orientation < 5 ? [64, 48] : [48, 64];
    const small = await opened.decodeSmall({ width, height }, 'linear')!;
    expect(small).toMatchObject({ width, height });
    const { data, ...size } = await opened.decode();
    const expected = await encode({ data: Buffer.from(data), ...size })
      .resize(width, height, { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
    // Only where two quarters meet can the filters differ.
    const differences = small.data.map((value, i) => Math.abs(value - expected[i]!));
    expect(differences.filter(difference => difference > 6).length / differences.length).toBeLessThan(0.08);
  });

  it('has nothing to gain from other formats and little to shrink', async () => {
    const size = { width: 64, height: 48 };
    const png = await openPicture(await encode(smooth(512, 384)).png().toBuffer());
    expect(png.decodeSmall(size, 'linear')).toBeUndefined();
    const jpeg = await openPicture(await encode(smooth(190, 384)).jpeg().toBuffer());
    expect(jpeg.decodeSmall(size, 'linear')).toBeUndefined();
    expect(jpeg.decodeSmall({ width: 16, height: 16 }, 'linear')).toBeDefined();
  });

  it.each(['squeeze', 'crop', 'letterbox'] as const)(
    'explains nearly as exact, at the size of the picture (%s)',
    async fit => {
      const image = smooth(330, 270);
      const jpeg = await encode(image).jpeg({ quality: 95 }).toBuffer();
      const [exact, fast] = [
        await open(plainModel(), { preprocess: { fit } }),
        await open(plainModel(), { preprocess: { fit }, decode: 'fast' }),
      ];
      const [a, b] = [one(await exact.explain(jpeg, { target: 1 })), one(await fast.explain(jpeg, { target: 1 }))];
      expect(b.map).toMatchObject({ width: 330, height: 270 });
      expect(correlation(a.map.data, b.map.data)).toBeGreaterThan(0.99);
      expect(b.target.score).not.toBe(a.target.score);
      expect(b.target.score).toBeCloseTo(a.target.score, 1);
      // Drawn on the picture itself, twice.
      const pixels = await (await openPicture(jpeg)).decode();
      for (let i = 0; i < 2; i++) expect(largestDifference((await b.overlay({ alpha: 0 })).data, pixels.data)).toBe(0);
    },
  );
});

describe('large pictures', () => {
  it('are decoded again for overlays, from bytes of their own', async () => {
    const [width, height] = [4200, 4000];
    const pixels = Buffer.alloc(width * height * 3, 7);
    pixels.fill(200, pixels.length / 2);
    const png = await encode({ data: pixels, width, height }).png({ compressionLevel: 1 }).toBuffer();
    const cam = await open(plainModel());
    const result = one(await cam.explain(png));
    expect(result.map).toMatchObject({ width, height });
    png.fill(0);
    for (let i = 0; i < 2; i++) {
      const { data, info } = await result.overlay({ alpha: 0 });
      expect(info).toMatchObject({ width, height });
      expect(Buffer.compare(data, pixels)).toBe(0);
    }
  });
});
