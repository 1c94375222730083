import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPicture } from '../../lib/image/decode.ts';
import { decodeImage } from '../helpers/decode-image.ts';
import { CORNERS, largestDifference, type Pixels, picture, pixelAt, quarters, texture } from './pictures.ts';

const encode = ({ data, width, height }: Pixels) => sharp(data, { raw: { width, height, channels: 3 } });

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-cam-decode-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('EXIF orientation', () => {
  /** Where the stored pixel (row, column) belongs in the upright picture of H x W, by the EXIF standard (tag 274). */
  const upright: Record<number, (r: number, c: number, H: number, W: number) => [row: number, column: number]> = {
    1: (r, c) => [r, c],
    2: (r, c, _, W) => [r, W - 1 - c],
    3: (r, c, H, W) => [H - 1 - r, W - 1 - c],
    4: (r, c, H) => [H - 1 - r, c],
    5: (r, c) => [c, r],
    6: (r, c, _, W) => [c, W - 1 - r],
    7: (r, c, H, W) => [H - 1 - c, W - 1 - r],
    8: (r, c, H) => [H - 1 - c, r],
  };
  const image = quarters(48, 32);

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('%i', async orientation => {
    const turned = orientation >= 5;
    const stored = picture(turned ? 32 : 48, turned ? 48 : 32, (x, y) => {
      const [row, column] = upright[orientation]!(y, x, 32, 48);
      return pixelAt(image, column, row);
    });
    const png = await encode(stored).withMetadata({ orientation }).png().toBuffer();
    const lossless = await decodeImage(png);
    expect([lossless.width, lossless.height]).toEqual([48, 32]);
    expect(largestDifference(lossless.data, image.data)).toBe(0);

    const jpeg = await encode(stored).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
    const lossy = await decodeImage(jpeg);
    expect([lossy.width, lossy.height]).toEqual([48, 32]);
    for (const [x, y, corner] of [
      [4, 4, 'topLeft'],
      [44, 4, 'topRight'],
      [4, 28, 'bottomLeft'],
      [44, 28, 'bottomRight'],
    ] as const) {
      expect(largestDifference(pixelAt(lossy, x, y), CORNERS[corner])).toBeLessThan(8);
    }
  });
});

describe('kinds of pictures', () => {
  const image = texture(31, 17);

  it.each(['png', 'webp', 'tiff', 'gif'] as const)('%s without loss', async format => {
    const options = { lossless: true, compression: 'lzw' } as const;
    const source = format === 'gif' ? quarters(31, 17) : image;
    const decoded = await decodeImage(await encode(source).toFormat(format, options).toBuffer());
    expect(decoded).toMatchObject({ width: 31, height: 17 });
    expect(largestDifference(decoded.data, source.data)).toBeLessThanOrEqual(format === 'gif' ? 4 : 0);
  });

  it('JPEG and AVIF', async () => {
    for (const format of ['jpeg', 'avif'] as const) {
      const decoded = await decodeImage(await encode(quarters(64, 48)).toFormat(format, { quality: 90 }).toBuffer());
      expect(largestDifference(pixelAt(decoded, 8, 8), CORNERS.topLeft)).toBeLessThan(10);
      expect(largestDifference(pixelAt(decoded, 56, 40), CORNERS.bottomRight)).toBeLessThan(10);
    }
  });

  it('grey becomes three equal channels', async () => {
    const png = await sharp(Buffer.from([0, 77, 255, 128, 5, 200]), { raw: { width: 3, height: 2, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect((await sharp(png).metadata()).channels).toBe(1);
    const { data } = await decodeImage(png);
    expect([...data]).toEqual([0, 77, 255, 128, 5, 200].flatMap(v => [v, v, v]));
  });

  it('alpha is dropped, not blended: grey and colour', async () => {
    const grey = await sharp(Buffer.from([10, 0, 200, 255]), { raw: { width: 2, height: 1, channels: 2 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect((await sharp(grey).metadata()).channels).toBe(2);
    expect([...(await decodeImage(grey)).data]).toEqual([10, 10, 10, 200, 200, 200]);

    const rgba = Buffer.from([1, 2, 3, 0, 250, 120, 7, 128]);
    const png = await sharp(rgba, { raw: { width: 2, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect([...(await decodeImage(png)).data]).toEqual([1, 2, 3, 250, 120, 7]);
  });

  it('palette', async () => {
    const png = await encode(quarters(16, 16)).png({ palette: true, colours: 4, dither: 0 }).toBuffer();
    expect((await sharp(png).metadata()).isPalette).toBe(true);
    const decoded = await decodeImage(png);
    expect(largestDifference(decoded.data, quarters(16, 16).data)).toBeLessThanOrEqual(4);
  });

  it('16 bits are scaled to 8, not clipped', async () => {
    const rgb = Uint16Array.of(0, 0x1234, 0xffff, 0x80ff, 0x00ff, 0x0100);
    const png = await sharp(rgb, { raw: { width: 2, height: 1, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect((await sharp(png).metadata()).depth).toBe('ushort');
    expect([...(await decodeImage(png)).data]).toEqual([0, 0x12, 0xff, 0x80, 0, 1]);

    const grey = await sharp(Uint16Array.of(0x4000, 0xc000), { raw: { width: 2, height: 1, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expect((await sharp(grey).metadata()).depth).toBe('ushort');
    expect([...(await decodeImage(grey)).data]).toEqual([0x40, 0x40, 0x40, 0xc0, 0xc0, 0xc0]);
  });

  it('CMYK', async () => {
    const jpeg = await encode(quarters(64, 48)).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    expect((await sharp(jpeg).metadata()).space).toBe('cmyk');
    const decoded = await decodeImage(jpeg);
    expect(decoded).toMatchObject({ width: 64, height: 48 });
    // The gamut of print is smaller, the colours are the same ones: compare which channel leads.
    const [r1, g1, b1] = pixelAt(decoded, 8, 8);
    expect(r1).toBeGreaterThan(Math.max(g1, b1) + 80);
    const [r2, g2, b2] = pixelAt(decoded, 56, 8);
    expect(g2).toBeGreaterThan(Math.max(r2, b2) + 60);
    const [r3, g3, b3] = pixelAt(decoded, 8, 40);
    expect(b3).toBeGreaterThan(Math.max(r3, g3) + 40);
    const [r4, g4, b4] = pixelAt(decoded, 56, 40);
    expect(Math.min(r4, g4)).toBeGreaterThan(b4 + 80);
  });

  it('an RGB colour profile is ignored, as in the pipelines that train models', async () => {
    const png = await encode(image).withIccProfile('p3').png().toBuffer();
    const stored = await sharp(png, { ignoreIcc: true }).raw().toBuffer();
    expect((await sharp(png).metadata()).icc).toBeDefined();
    expect(largestDifference((await decodeImage(png)).data, stored)).toBe(0);
  });

  it.each(['gif', 'webp'] as const)('the first frame of an animated %s', async format => {
    const frames = [quarters(24, 16), picture(24, 16, () => [255, 255, 255])];
    const animated = await sharp(Buffer.concat(frames.map(frame => frame.data)), {
      raw: { width: 24, height: 32, channels: 3, pageHeight: 16 },
    })
      .toFormat(format, { delay: [50, 50], loop: 0, lossless: true })
      .toBuffer();
    expect((await sharp(animated).metadata()).pages).toBe(2);
    const decoded = await decodeImage(animated);
    expect(decoded).toMatchObject({ width: 24, height: 16 });
    expect(largestDifference(decoded.data, frames[0]!.data)).toBeLessThanOrEqual(4);
  });

  it('1x1 and 1x4000', async () => {
    for (const [width, height] of [
      [1, 1],
      [1, 4000],
      [4000, 1],
    ] as const) {
      const source = texture(width, height);
      const decoded = await decodeImage(await encode(source).png().toBuffer());
      expect(decoded).toMatchObject({ width, height });
      expect(largestDifference(decoded.data, source.data)).toBe(0);
    }
  });
});

describe('where a picture comes from', () => {
  const image = texture(9, 5);

  it('path, file: URL and text of one, Buffer, ArrayBuffer', async () => {
    const path = join(folder, 'täst #1.png');
    const png = await encode(image).png().toBuffer();
    await writeFile(path, png);
    await symlink(path, join(folder, 'link.png'));
    const bytes = png.buffer.slice(png.byteOffset, png.byteOffset + png.byteLength) as ArrayBuffer;
    for (const source of [path, pathToFileURL(path), pathToFileURL(path).href, join(folder, 'link.png'), png, bytes]) {
      const decoded = await decodeImage(source);
      expect(largestDifference(decoded.data, image.data)).toBe(0);
    }
    expect((await openPicture(path)).source).toBe(path);
    expect((await openPicture(png)).source).toBe(`<${png.length} bytes>`);
  });

  it('sees a file that was overwritten', async () => {
    const path = join(folder, 'changing.png');
    for (const value of [10, 20]) {
      await writeFile(
        path,
        await encode(picture(3, 3, () => [value, value, value]))
          .png()
          .toBuffer(),
      );
      expect((await decodeImage(path)).data[0]).toBe(value);
    }
  });

  it('raw pixels of one to four channels, also a view and clamped', async () => {
    const grey = Uint8Array.of(9, 200);
    const cases: [number, number[], number[]][] = [
      [1, [9, 200], [9, 9, 9, 200, 200, 200]],
      [2, [9, 0, 200, 100], [9, 9, 9, 200, 200, 200]],
      [3, [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]],
      [4, [1, 2, 3, 0, 4, 5, 6, 9], [1, 2, 3, 4, 5, 6]],
    ];
    for (const [channels, values, expected] of cases) {
      const padded = Uint8Array.of(99, ...values, 99);
      for (const data of [
        Buffer.from(values),
        Uint8Array.from(values),
        padded.subarray(1, -1),
        Uint8ClampedArray.from(values),
      ]) {
        const decoded = await decodeImage({ data, info: { width: 2, height: 1, channels } });
        expect([...decoded.data]).toEqual(expected);
      }
    }
    expect((await openPicture({ data: grey, info: { width: 2, height: 1, channels: 1 } })).source).toBe('<raw 2x1x1>');
  });

  it('takes a snapshot of raw pixels', async () => {
    const data = Buffer.from([1, 2, 3]);
    const decoded = await decodeImage({ data, info: { width: 1, height: 1, channels: 3 } });
    data.fill(9);
    expect([...decoded.data]).toEqual([1, 2, 3]);
  });
});

describe('bad input', () => {
  const refused = (source: unknown, code: string, message: RegExp) =>
    expect(decodeImage(source as string)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });

  it('missing files', async () => {
    await refused(join(folder, 'none.jpg'), 'ERR_IMAGE_NOT_FOUND', /none\.jpg/);
    await refused(pathToFileURL(join(folder, 'none.jpg')), 'ERR_IMAGE_NOT_FOUND', /none\.jpg/);
    await writeFile(join(folder, 'file'), 'x');
    await refused(join(folder, 'file', 'none.jpg'), 'ERR_IMAGE_NOT_FOUND', /none\.jpg/);
  });

  it('things that are no pictures', async () => {
    await writeFile(join(folder, 'text.jpg'), 'this is text');
    await writeFile(join(folder, 'empty.jpg'), '');
    await refused(join(folder, 'text.jpg'), 'ERR_IMAGE_INVALID', /text\.jpg.*expected JPEG/);
    await refused(join(folder, 'empty.jpg'), 'ERR_IMAGE_INVALID', /empty\.jpg.*empty/);
    await refused(folder, 'ERR_IMAGE_INVALID', /folder/);
    await refused(Buffer.alloc(0), 'ERR_IMAGE_INVALID', /empty/);
    await refused(Buffer.alloc(3000, 200), 'ERR_IMAGE_INVALID', /raw pixels as/);
    if (process.platform === 'linux') await refused('/dev/zero', 'ERR_IMAGE_INVALID', /device/);
  });

  it('truncated files', async () => {
    const large = texture(640, 480);
    for (const format of ['jpeg', 'png', 'webp'] as const) {
      const bytes = await encode(large).toFormat(format).toBuffer();
      for (const part of [0.02, 0.5, 0.9]) {
        await refused(bytes.subarray(0, Math.floor(bytes.length * part)), 'ERR_IMAGE_INVALID', /cannot be decoded/);
      }
    }
  });

  it('flipped bits: a picture or a coded error, never a crash', async () => {
    const original = texture(64, 48);
    for (const format of ['jpeg', 'png', 'webp', 'gif'] as const) {
      const bytes = await encode(original).toFormat(format).toBuffer();
      for (let i = 0; i < 40; i++) {
        const damaged = Buffer.from(bytes);
        const at = (i * 7919) % damaged.length;
        damaged[at] = damaged[at]! ^ (1 << (i % 8));
        const result = await decodeImage(damaged).catch(error => error);
        if (result instanceof Error) expect(result).toMatchObject({ code: 'ERR_IMAGE_INVALID' });
        else expect(result.data.length).toBe(result.width * result.height * 3);
      }
    }
  });

  it('more pixels than the limit', async () => {
    // A PNG that claims 30,000 x 30,000 pixels.
    const chunk = (type: string, data: Buffer) => {
      const bytes = Buffer.alloc(12 + data.length);
      bytes.writeUInt32BE(data.length, 0);
      bytes.write(type, 4, 'latin1');
      data.copy(bytes, 8);
      bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
      return bytes;
    };
    const header = Buffer.from('00007530000075300802000000', 'hex');
    const signature = Buffer.from('89504e470d0a1a0a', 'hex');
    const png = Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', Buffer.alloc(10))]);
    await refused(png, 'ERR_IMAGE_INVALID', /30000x30000 pixels, more than the 268402689 that `limitInputPixels`/);
  });

  it('raw pixels that do not fit', async () => {
    const info = { width: 2, height: 2, channels: 3 };
    await refused({ data: Buffer.alloc(11), info }, 'ERR_IMAGE_INVALID', /12 bytes, got 11/);
    await refused({ data: Buffer.alloc(24), info }, 'ERR_IMAGE_INVALID', /of more bits.*Uint16Array/);
    await refused({ data: new Uint16Array(11), info }, 'ERR_IMAGE_INVALID', /12 values, got 11/);
    await refused({ data: new BigInt64Array(12), info }, 'ERR_IMAGE_INVALID', /typed array.*BigInt64Array/);
    await refused({ data: new Array(12).fill(0), info }, 'ERR_IMAGE_INVALID', /typed array.*Array/);
    const float = { ...info, depth: 'float' };
    await refused({ data: Buffer.alloc(47), info: float }, 'ERR_IMAGE_INVALID', /multiple of 4 bytes, got 47/);
    await refused({ data: Buffer.alloc(44), info: float }, 'ERR_IMAGE_INVALID', /12 values, got 11/);
    await refused(
      { data: Buffer.alloc(12), info: { ...info, depth: 'half' } },
      'ERR_IMAGE_INVALID',
      /half; known: uchar/,
    );
    await refused({ data: new Uint8ClampedArray(16), width: 2, height: 2 }, 'ERR_IMAGE_INVALID', /channels: 4/);
    await refused({ data: Buffer.alloc(12), info: { ...info, channels: 5 } }, 'ERR_IMAGE_INVALID', /got 5/);
    await refused({ data: Buffer.alloc(0), info: { ...info, width: 0 } }, 'ERR_IMAGE_INVALID', /0x2/);
    await refused({ data: Buffer.alloc(12), info: { ...info, width: 1.5 } }, 'ERR_IMAGE_INVALID', /1\.5x2/);
    await refused({ data: Buffer.alloc(12), info: null }, 'ERR_IMAGE_INVALID', /info/);
  });

  it('other values', async () => {
    for (const value of [null, undefined, 7, true, {}, [], () => 0, '']) {
      await refused(value, 'ERR_IMAGE_INVALID', /expected a path/);
    }
    await refused('https://example.org/cat.jpg', 'ERR_IMAGE_INVALID', /fetch/);
    await refused(new URL('https://example.org/cat.jpg'), 'ERR_IMAGE_INVALID', /fetch/);
    await refused(
      sharp(Buffer.from([1, 2, 3]), { raw: { width: 1, height: 1, channels: 3 } }),
      'ERR_IMAGE_INVALID',
      /toBuffer/,
    );
  });

  it('aborted', async () => {
    const png = await encode(texture(4, 4)).png().toBuffer();
    await expect(decodeImage(png, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });
});
