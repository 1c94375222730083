import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeImage, formatOf, saveImage } from '../../lib/image/encode.ts';
import { rawPicture } from '../../lib/image/raw-picture.ts';
import { largestDifference, quarters, texture } from './pictures.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-cam-encode-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const source = texture(21, 13);
const image = rawPicture(source.data, 21, 13);

describe('encodeImage', () => {
  it('is PNG by default, without loss', async () => {
    const decoded = await sharp(await encodeImage(image))
      .raw()
      .toBuffer();
    expect(largestDifference(decoded, source.data)).toBe(0);
  });

  it.each(['png', 'jpeg', 'jpg', 'JPG', 'webp', 'avif', 'tiff', 'tif'])('%s', async format => {
    const { data, width, height } = quarters(64, 48);
    const bytes = await encodeImage(rawPicture(data, width, height), { format });
    const decoded = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    expect(decoded.info).toMatchObject({ width: 64, height: 48, channels: 3 });
    const at = 3 * (8 * 64 + 8);
    expect(largestDifference(decoded.data.subarray(at, at + 3), data.subarray(at, at + 3))).toBeLessThan(12);
  });

  it('refuses unknown formats, and pictures that a format cannot hold', async () => {
    for (const format of ['bmp', '', 'constructor']) {
      await expect(encodeImage(image, { format })).rejects.toMatchObject({
        code: 'ERR_OPTION_INVALID',
        message: /png, jpeg/,
      });
    }
    const wide = rawPicture(new Uint8Array(3 * 20_000), 20_000, 1);
    await expect(encodeImage(wide, { format: 'webp' })).rejects.toMatchObject({
      code: 'ERR_OUTPUT',
      message: /20000x1.*webp/,
    });
  });
});

describe('quality', () => {
  const { data, width, height } = texture(160, 120);
  const picture = rawPicture(data, width, height);

  it.each([
    ['jpeg', 92],
    ['webp', 92],
    ['avif', 75],
  ])('of %s is %i unless it is given', async (format, usual) => {
    const bytes = (quality?: number) => encodeImage(picture, { format, quality });
    const [own, same, low, least] = await Promise.all([bytes(), bytes(usual), bytes(40), bytes(1)]);
    expect(own.equals(same)).toBe(true);
    expect(low.length).toBeLessThan(own.length);
    expect(least.length).toBeLessThan(low.length);
    expect((await bytes(100)).length).toBeGreaterThan(own.length);
  });

  it('is a whole number from 1 to 100, and none of formats that lose nothing', async () => {
    for (const quality of [0, 101, 50.5, -1, Number.NaN, '80', null])
      await expect(encodeImage(picture, { format: 'jpeg', quality: quality as number })).rejects.toMatchObject({
        code: 'ERR_OPTION_INVALID',
        message: /1 to 100/,
      });
    for (const format of [undefined, 'png', 'tiff'])
      await expect(encodeImage(picture, { format, quality: 80 })).rejects.toMatchObject({
        code: 'ERR_OPTION_INVALID',
        message: /loses nothing.*jpeg, webp, avif/,
      });
  });
});

describe('saveImage', () => {
  it('goes by the extension', async () => {
    for (const [name, format] of [
      ['a.png', 'png'],
      ['b.JPG', 'jpeg'],
      ['c.webp', 'webp'],
    ] as const) {
      expect(formatOf(name)).toBe(format);
      await saveImage(join(folder, name), image);
      expect((await sharp(join(folder, name)).metadata()).format).toBe(format);
    }
  });

  it('makes folders, and goes by the format that is given before the extension', async () => {
    const path = join(folder, 'new', 'and', 'deeper', 'a.png');
    await saveImage(path, image, { format: 'webp', quality: 50 });
    expect((await sharp(await readFile(path)).metadata()).format).toBe('webp');
    await saveImage(join(folder, 'new', 'without'), image, { format: 'jpg' });
    expect((await sharp(join(folder, 'new', 'without')).metadata()).format).toBe('jpeg');
    expect((await readdir(join(folder, 'new'))).sort()).toEqual(['and', 'without']);
    await rm(join(folder, 'new'), { recursive: true });
  });

  it('leaves nothing behind when it fails', async () => {
    const before = (await readdir(folder)).length;
    await expect(saveImage(join(folder, 'a.png', 'b.png'), image)).rejects.toMatchObject({
      code: 'ERR_OUTPUT',
      message: /a\.png is not a folder/,
    });
    await expect(saveImage(join(folder, 'new', 'a.png'), image, { quality: 80 })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
    });
    await expect(saveImage(join(folder, 'a.xyz'), image)).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    await expect(saveImage(join(folder, 'a'), image)).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    await expect(saveImage('', image)).rejects.toMatchObject({ code: 'ERR_OUTPUT' });
    expect((await readdir(folder)).length).toBe(before);
  });
});
