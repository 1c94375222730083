import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openPicture } from '../../lib/image/decode.ts';
import { prepareImage } from '../../lib/image/preprocess.ts';
import { type PreprocessOptions, resolvePreprocess } from '../../lib/image/preprocess-options.ts';
import { readNpy } from '../../lib/io/npy.ts';
import { decodeImage } from '../helpers/decode-image.ts';
import { expectError } from '../helpers/expect-error.ts';
import { largestDifference } from './pictures.ts';

const golden = (name: string) => fileURLToPath(new URL(`../golden/decode/${name}`, import.meta.url));
const kind = (name: string) => golden(`kinds/${name}`);

describe('bitmaps', () => {
  it.each([
    ['bits-24.bmp', 'rgb.png'],
    ['bits-32.bmp', 'rgb.png'],
    ['from-top.bmp', 'rgb.png'],
    ['palette.bmp', 'palette.png'],
    ['grey-8.bmp', 'grey-8.png'],
    ['bits-1.bmp', 'bits-1.png'],
    ['bits-555.bmp', 'bits-555.png'],
    ['bits-565.bmp', 'bits-565.png'],
  ])('%s has the pixels that Pillow reads', async (name, png) => {
    const decoded = await decodeImage(kind(name));
    const expected = await decodeImage(kind(png));
    expect(decoded).toMatchObject({ width: 24, height: 16 });
    expect(largestDifference(decoded.data, expected.data)).toBe(0);
  });

  it('are refused by the limit before they are decoded', async () => {
    const bytes = await readFile(kind('bits-24.bmp'));
    bytes.writeInt32LE(100_000_000, 18);
    await expectError(() => openPicture(bytes), 'ERR_IMAGE_INVALID', /100000000x16 pixels/);
    await expectError(() => openPicture(kind('bits-24.bmp'), { limitInputPixels: 100 }), 'ERR_IMAGE_INVALID', /24x16/);
  });

  it('that are damaged are refused', async () => {
    const bytes = await readFile(kind('bits-24.bmp'));
    for (const damaged of [bytes.subarray(0, 20), bytes.subarray(0, 54), Buffer.from('BM and no picture, only text')])
      await expectError(() => openPicture(damaged), 'ERR_IMAGE_INVALID', /cannot be decoded|pixels/);
  });
});

describe('colours', () => {
  it('YCbCr in a TIFF becomes RGB', async () => {
    const decoded = await decodeImage(kind('ycbcr.tif'));
    const expected = await decodeImage(kind('ycbcr.png'));
    // Pillow cuts fractions off where this rounds.
    expect(largestDifference(decoded.data, expected.data)).toBeLessThanOrEqual(1);
  });

  it.each(['cmyk.jpg', 'cmyk.tif'])('%s becomes RGB as Pillow makes it, without a profile', async name => {
    const decoded = await decodeImage(kind(name));
    const expected = await decodeImage(kind(`${name}.png`));
    expect(largestDifference(decoded.data, expected.data)).toBeLessThanOrEqual(1);
  });

  it('YCbCr that is subsampled is refused', async () => {
    const bytes = await readFile(kind('ycbcr.tif'));
    const entry = bytes.indexOf(Buffer.from([0x12, 0x02, 3, 0]));
    expect(entry).toBeGreaterThan(0);
    bytes.writeUInt16LE(2, entry + 8);
    await expectError(() => openPicture(bytes), 'ERR_IMAGE_INVALID', /YCbCr.*RGB TIFF or a PNG/);
  });

  it('HEIC is named', async () => {
    const bytes = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic')]);
    await expectError(() => openPicture(bytes), 'ERR_IMAGE_INVALID', /HEIC/);
  });
});

/** A grey TIFF of floats with so many bits, whose only strip is `values`. */
function floatTiff(bits: number, values: Buffer, width: number, height: number): Buffer {
  const tags = [
    [256, width],
    [257, height],
    [258, bits],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, height],
    [279, values.length],
    [339, 3],
  ];
  const directory = Buffer.alloc(2 + 12 * tags.length + 4);
  directory.writeUInt16LE(tags.length);
  tags.forEach(([tag, value], i) => {
    directory.writeUInt16LE(tag!, 2 + 12 * i);
    directory.writeUInt16LE(4, 4 + 12 * i);
    directory.writeUInt32LE(1, 6 + 12 * i);
    directory.writeUInt32LE(value!, 10 + 12 * i);
  });
  const head = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  head.writeUInt32LE(8 + values.length, 4);
  return Buffer.concat([head, values, directory]);
}

describe('pictures of more than 8 bits', () => {
  it.each([16, 64])('TIFFs of %d-bit floats are refused, those of 32 are not', async bits => {
    const of = (bits: number) => floatTiff(bits, Buffer.alloc((12 * bits) / 8, 0x3c), 4, 3);
    await expectError(() => openPicture(of(bits)), 'ERR_IMAGE_INVALID', `floats of ${bits} bits`, '32 bits');
    expect((await openPicture(of(32))).depth?.kind).toBe('float');
  });

  it.each([
    ['char', Int8Array, 127],
    ['short', Int16Array, 2 ** 15 - 1],
    ['ushort', Uint16Array, 2 ** 16 - 1],
    ['int', Int32Array, 2 ** 31 - 1],
    ['uint', Uint32Array, 2 ** 32 - 1],
    ['float', Float32Array, 1],
    ['double', Float64Array, 1],
  ] as const)('raw pixels of the type %s, as an array and as bytes', async (name, Values, largest) => {
    const shares = [0, 0.25, 1, 0.5, -0.5, 0.75];
    const signed = name !== 'ushort' && name !== 'uint';
    const data = new Values(shares.map(share => (signed ? share : Math.abs(share)) * largest));
    for (const [channels, expected] of [
      [1, [data[0], data[0], data[0], data[1], data[1], data[1]]],
      [2, [data[0], data[0], data[0], data[2], data[2], data[2]]],
      [3, [...data]],
    ] as const) {
      const values = data.slice(0, 2 * channels);
      const info = { width: 2, height: 1, channels };
      for (const raw of [
        { data: values, info },
        // Bytes that do not lie on a multiple of their size.
        { data: Buffer.concat([Buffer.of(0), Buffer.from(values.buffer)]).subarray(1), info: { ...info, depth: name } },
      ]) {
        const opened = await openPicture(raw);
        expect(opened.depth!.largest).toBe(largest);
        expect([...(await opened.decodeDeep(opened.depth!)).data]).toEqual(expected);
      }
    }
  });

  const grey = async (name: string, options: PreprocessOptions) => {
    const opened = await openPicture(kind(name));
    const { depth } = opened;
    const preprocess = resolvePreprocess({ mean: 0, std: 1, size: [9, 7], ...options }, { channels: 1 });
    return (await prepareImage(await opened.decodeDeep(depth!), preprocess, { depth })).tensor.data;
  };

  it.each([
    ['u16.tif', 'u16', 65_535],
    ['u16.png', 'u16', 65_535],
    ['u12.tif', 'u12', 65_535],
    ['i32.tif', 'i32', 2_147_483_647],
    ['f32.tif', 'f32', 1],
  ])('%s keeps its values, as mode F of Pillow', async (name, values, largest) => {
    const expected = (await readNpy(kind(`deep-${values}.npy`))).data;
    const span = Math.max(...expected) - Math.min(...expected);
    const made = await grey(name, {});
    expect(
      largestDifference(
        made.map(x => x * largest),
        expected,
      ) / span,
    ).toBeLessThan(1e-5);
    const raw = await grey(name, { scale: 1 });
    expect(largestDifference(raw, expected) / span).toBeLessThan(1e-5);
  });

  it.each([
    ['u12.tif', 'u12', 0, 4095],
    ['f32.tif', 'f32', -1000, 1000],
    ['i32.tif', 'i32', -1_000_000_000, 1_000_000_000],
  ])('%s by a range of its own', async (name, values, low, high) => {
    const expected = (await readNpy(kind(`deep-${values}.npy`))).data.map(x => (x - low) / (high - low));
    expect(largestDifference(await grey(name, { range: [low, high] }), expected)).toBeLessThan(1e-5);
    const scaled = expected.map(x => (x - 0.449) / 0.226);
    const made = await grey(name, { range: [low, high], mean: 0.449, std: 0.226 });
    expect(largestDifference(made, scaled)).toBeLessThan(1e-4);
  });

  it('16-bit colour is what the same picture of 8 bits is, but finer', async () => {
    const { data } = await decodeImage(kind('rgb.png'));
    const values = Uint16Array.from(data, v => v * 257);
    const png = await sharp(values, { raw: { width: 24, height: 16, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    const opened = await openPicture(png);
    const preprocess = resolvePreprocess({ size: [24, 16] });
    const { depth } = opened;
    const deep = await prepareImage(await opened.decodeDeep(depth!), preprocess, { depth });
    const plain = await prepareImage(await decodeImage(kind('rgb.png')), preprocess);
    expect(largestDifference(deep.tensor.data, plain.tensor.data)).toBeLessThan(1e-5);
  });
});

describe('raw pixels of 16 bits', () => {
  const preprocess = resolvePreprocess({ size: [2, 1], mean: 0, std: 1 });
  const valuesOf = async (input: Parameters<typeof openPicture>[0]) => {
    const opened = await openPicture(input);
    const { depth } = opened;
    return (await prepareImage(await opened.decodeDeep(depth!), preprocess, { depth })).tensor.data;
  };

  it.each([1, 2, 3, 4])('keep their values, %d channels', async channels => {
    const data = Uint16Array.from({ length: 2 * channels }, (_, i) => 7001 * i + 5);
    const info = { width: 2, height: 1, channels };
    const source = channels < 3 ? [0, 0, 0] : [0, 1, 2];
    const expected = source.flatMap(c => [data[c]! / 65_535, data[channels + c]! / 65_535]);
    expect(largestDifference(await valuesOf({ data, info }), expected)).toBeLessThan(1e-7);
    // As sharp hands them over, also from an odd place in memory.
    const bytes = new Uint8Array(data.byteLength + 1);
    bytes.set(new Uint8Array(data.buffer), 1);
    const given = { data: bytes.subarray(1), info: { ...info, depth: 'ushort' } };
    expect(largestDifference(await valuesOf(given), expected)).toBeLessThan(1e-7);
  });
});

describe('evaluation transforms', () => {
  it.each([
    ['evaluation-73-64x64.png', { resize: 73, size: [64, 64] }],
    // floor(64 / 0.875) = 73
    ['evaluation-73-64x64.png', { cropPct: 0.875, size: [64, 64] }],
    ['evaluation-40-72x24.png', { resize: 40, size: [72, 24] }],
    // Smaller than what is cut out: black around it.
    ['evaluation-30-64x48.png', { resize: 30, size: [64, 48] }],
  ] as const)('%s from %j, to the bit', async (name, options) => {
    const image = await decodeImage(golden('picture.png'));
    const preprocess = resolvePreprocess({ preset: 'raw', fit: 'crop', layout: 'nhwc', ...options });
    const { tensor } = await prepareImage(image, preprocess);
    expect(largestDifference(tensor.data, (await decodeImage(golden(name))).data)).toBe(0);
  });

  it('a letterbox is filled with padColor', async () => {
    const image = await decodeImage(kind('rgb.png'));
    for (const [channelOrder, first] of [
      ['rgb', 10],
      ['bgr', 30],
    ] as const) {
      const options = { fit: 'letterbox', size: [24, 24], padColor: [10, 20, 30], mean: 0, std: 1, scale: 1 } as const;
      for (const layout of ['nchw', 'nhwc'] as const) {
        const { tensor } = await prepareImage(image, resolvePreprocess({ ...options, channelOrder, layout }));
        const step = layout === 'nchw' ? 576 : 1;
        expect([0, 1, 2].map(c => tensor.data[c * step])).toEqual([first, 20, 40 - first]);
      }
    }
    const grey = resolvePreprocess(
      { fit: 'letterbox', size: [24, 24], padColor: 114, preset: 'unit' },
      { channels: 1 },
    );
    expect((await prepareImage(image, grey)).tensor.data[0]).toBeCloseTo(114 / 255, 6);
  });
});
