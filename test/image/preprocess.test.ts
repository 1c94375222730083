import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { RgbImage } from '../../lib/image/decode.ts';
import { prepareImage } from '../../lib/image/preprocess.ts';
import { type PreprocessOptions, resolvePreprocess } from '../../lib/image/preprocess-options.ts';
import { readNpy } from '../../lib/io/npy.ts';
import { decodeImage } from '../helpers/decode-image.ts';
import { largestDifference, type Pixels, picture, pixelAt, quarters, texture } from './pictures.ts';

const golden = (name: string) => fileURLToPath(new URL(`../golden/decode/${name}`, import.meta.url));
const rgb = ({ data, width, height }: Pixels): RgbImage => ({ data, width, height });
const prepare = async (image: Pixels, options: PreprocessOptions, channels?: number) =>
  prepareImage(rgb(image), resolvePreprocess(options, channels === undefined ? {} : { channels }));

describe('prepareImage against Pillow and torchvision', () => {
  it('Resize, CenterCrop, ToTensor, Normalize of a PNG file', async () => {
    const image = await decodeImage(golden('picture.png'));
    const { tensor } = await prepareImage(image, resolvePreprocess({ fit: 'crop', size: [64, 64] }));
    const expected = await readNpy(golden('crop-tensor.npy'));
    expect(tensor.dims).toEqual([1, ...expected.dims]);
    // Much closer than the 2/255 that decoders may differ by, since PNG has no loss: rounding of float32 only.
    expect(largestDifference(tensor.data, expected.data)).toBeLessThan(1e-6);
  });

  it.each([
    ['crop-64.png', 64, 0],
    ['crop-63.png', 63, 0],
    ['crop-turned-64.png', 64, 270],
    ['crop-turned-63.png', 63, 270],
  ])('%s, to the bit', async (name, side, angle) => {
    // Pillow's ROTATE_90 is counter-clockwise, sharp's clockwise.
    const turned = await sharp(golden('picture.png')).rotate(angle).png().toBuffer();
    const expected = await decodeImage(golden(name));
    const { tensor } = await prepareImage(
      await decodeImage(turned),
      resolvePreprocess({ preset: 'raw', fit: 'crop', size: [side, side], layout: 'nhwc' }),
    );
    expect(tensor.dims).toEqual([1, side, side, 3]);
    expect(largestDifference(tensor.data, expected.data)).toBe(0);
  });

  it.each([
    ['clip', 48, 48],
    ['openai', 48, 48],
    ['siglip', 40, 40],
  ] as const)('the preset %s', async (preset, width, height) => {
    const image = await decodeImage(golden('picture.png'));
    const { tensor } = await prepareImage(image, resolvePreprocess({ preset, size: [width, height] }));
    const expected = await readNpy(golden(`preset-${preset === 'openai' ? 'clip' : preset}.npy`));
    expect(tensor.dims).toEqual([1, ...expected.dims]);
    expect(largestDifference(tensor.data, expected.data)).toBeLessThan(1e-6);
  });

  it("the preset yolo: Ultralytics' letterbox", async () => {
    const corner = await sharp(golden('picture.png'))
      .extract({ left: 0, top: 0, width: 61, height: 40 })
      .png()
      .toBuffer();
    const expected = await decodeImage(golden('preset-yolo.png'));
    const options = { preset: 'yolo', size: [96, 80], layout: 'nhwc' } as const;
    const { tensor, placement } = await prepareImage(await decodeImage(corner), resolvePreprocess(options));
    // 96 / 61 of 61 × 40: 63 rows of 80.
    expect(placement.target).toEqual({ x: 0, y: 8, width: 96, height: 63 });
    const bytes = tensor.data.map(value => 255 * value);
    const row = 3 * 96;
    for (const outside of [bytes.subarray(0, 8 * row), bytes.subarray(71 * row)])
      expect(outside.every(value => Math.abs(value - 114) < 1e-4)).toBe(true);
    // Enlarged, OpenCV's filter is the same but for its weights of 11 bits.
    expect(largestDifference(bytes, expected.data)).toBeLessThan(1.001);
  });

  it('grey as convert("L")', async () => {
    const image = await decodeImage(golden('picture.png'));
    const { tensor } = await prepareImage(image, resolvePreprocess({ preset: 'raw', size: [40, 30] }, { channels: 1 }));
    const expected = (await decodeImage(golden('grey-40x30.png'))).data.filter((_, i) => i % 3 === 0);
    expect(tensor.dims).toEqual([1, 1, 30, 40]);
    expect(largestDifference(tensor.data, expected)).toBeLessThanOrEqual(2);
  });
});

describe('prepareImage', () => {
  const image = texture(40, 30);

  it('scales, then takes mean and std; BGR reverses the channels, mean stays in the order of the model', async () => {
    const options = { size: [40, 30], scale: 0.5, mean: [1, 2, 3], std: [2, 4, 5] } as const;
    const value = ([r, g, b]: readonly number[]) => [(r! / 2 - 1) / 2, (g! / 2 - 2) / 4, (b! / 2 - 3) / 5];
    const plane = 40 * 30;
    for (const channelOrder of ['rgb', 'bgr'] as const) {
      for (const layout of ['nchw', 'nhwc'] as const) {
        const { tensor } = await prepare(image, { ...options, channelOrder, layout });
        for (const [x, y] of [
          [0, 0],
          [39, 0],
          [7, 29],
        ] as const) {
          const pixel = pixelAt(image, x, y);
          const expected = value(channelOrder === 'bgr' ? [...pixel].reverse() : pixel);
          const at = y * 40 + x;
          const index = (c: number) => (layout === 'nchw' ? c * plane + at : 3 * at + c);
          [0, 1, 2].forEach(c => {
            expect(tensor.data[index(c)]).toBeCloseTo(expected[c]!, 4);
          });
        }
      }
    }
  });

  it.each(['nchw', 'nhwc'] as const)('letterboxes with the mean colour: %s', async layout => {
    const { tensor, placement } = await prepare(quarters(40, 30), { size: [64, 50], fit: 'letterbox', layout });
    expect(placement.target).toEqual({ x: 0, y: 1, width: 64, height: 48 });
    const tall = await prepare(quarters(30, 40), { size: [64, 40], fit: 'letterbox', layout });
    expect(tall.placement.target).toEqual({ x: 17, y: 0, width: 30, height: 40 });
    // Unscaled inside: compare with the squeezed picture of that size, value by value.
    const inside = await prepare(quarters(30, 40), { size: [30, 40], layout: 'nchw' });
    let different = 0;
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < 40; y++) {
        for (let x = 0; x < 64; x++) {
          const value = tall.tensor.data[layout === 'nchw' ? (c * 40 + y) * 64 + x : (y * 64 + x) * 3 + c];
          const expected = x < 17 || x >= 47 ? 0 : inside.tensor.data[(c * 40 + y) * 30 + x - 17];
          if (value !== expected) different++;
        }
      }
    }
    expect(different).toBe(0);
    expect(tensor.data.length).toBe(3 * 64 * 50);
  });

  it('grey models: one channel, letterboxed too', async () => {
    const { tensor } = await prepare(
      picture(20, 10, () => [200, 200, 200]),
      { size: [16, 16], fit: 'letterbox', mean: 0.5, std: 0.25 },
      1,
    );
    expect(tensor.dims).toEqual([1, 1, 16, 16]);
    expect(tensor.data[0]).toBe(0);
    expect(tensor.data[8 * 16 + 5]).toBeCloseTo((200 / 255 - 0.5) / 0.25, 5);
  });

  it.each(['squeeze', 'crop', 'letterbox'] as const)('takes 1x1, 1x4000 and 4000x1 pictures: %s', async fit => {
    for (const [width, height] of [
      [1, 1],
      [1, 4000],
      [4000, 1],
    ] as const) {
      const { tensor } = await prepare(texture(width, height), { fit });
      expect(tensor.dims).toEqual([1, 3, 224, 224]);
      expect(tensor.data.every(Number.isFinite)).toBe(true);
    }
  });

  it('stops when aborted', async () => {
    const options = { signal: AbortSignal.abort() };
    await expect(prepareImage(rgb(image), resolvePreprocess(undefined), options)).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
  });
});
