import { mkdtemp, readdir, rm } from 'node:fs/promises';
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
    const bytes = await encodeImage(rawPicture(data, width, height), format);
    const decoded = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    expect(decoded.info).toMatchObject({ width: 64, height: 48, channels: 3 });
    const at = 3 * (8 * 64 + 8);
    expect(largestDifference(decoded.data.subarray(at, at + 3), data.subarray(at, at + 3))).toBeLessThan(12);
  });

  it('refuses unknown formats, and pictures that a format cannot hold', async () => {
    for (const format of ['bmp', '', 'constructor']) {
      await expect(encodeImage(image, format)).rejects.toMatchObject({
        code: 'ERR_OPTION_INVALID',
        message: /png, jpeg/,
      });
    }
    const wide = rawPicture(new Uint8Array(3 * 20_000), 20_000, 1);
    await expect(encodeImage(wide, 'webp')).rejects.toMatchObject({ code: 'ERR_OUTPUT', message: /20000x1.*webp/ });
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

  it('leaves nothing behind when it fails', async () => {
    const before = (await readdir(folder)).length;
    await expect(saveImage(join(folder, 'none', 'a.png'), image)).rejects.toMatchObject({ code: 'ERR_OUTPUT' });
    await expect(saveImage(join(folder, 'a.xyz'), image)).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    await expect(saveImage(join(folder, 'a'), image)).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    await expect(saveImage('', image)).rejects.toMatchObject({ code: 'ERR_OUTPUT' });
    expect((await readdir(folder)).length).toBe(before);
  });
});
