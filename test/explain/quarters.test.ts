import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import type { PreprocessOptions } from '../../lib/image/preprocess-options.ts';
import { makeNode } from '../../lib/model/graph/graph.ts';
import type { ExplainSource } from '../../lib/network/images.ts';
import { one } from '../helpers/explain-models.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const kind = (name: string) => fileURLToPath(new URL(`../golden/decode/kinds/${name}`, import.meta.url));
const SIDE = 16;
const QUARTERS = ['top left', 'top right', 'bottom left', 'bottom right'] as const;

/** Its scores are the means of each channel in each quarter of what it gets: 12 of colours, 4 of grey. */
function quarters(channels: 1 | 3, last = false): Uint8Array {
  const weight = Float32Array.from({ length: 3 * channels }, (_, i) =>
    Number(Math.floor(i / channels) === i % channels),
  );
  const pool = { kernel_shape: [SIDE / 2, SIDE / 2], strides: [SIDE / 2, SIDE / 2] };
  const move = last ? [makeNode('Transpose', ['image'], ['x'], { perm: [0, 3, 1, 2] })] : [];
  return buildModel({
    nodes: [
      ...move,
      makeNode('Conv', [last ? 'x' : 'image', 'same'], ['seen'], {}),
      makeNode('AveragePool', ['seen'], ['means'], pool),
      makeNode('Flatten', ['means'], ['scores'], {}),
    ],
    inputs: [{ name: 'image', dims: last ? ['N', SIDE, SIDE, channels] : ['N', channels, SIDE, SIDE] }],
    outputs: [{ name: 'scores', dims: ['N', 12] }],
    initializers: { same: { dims: [3, channels, 1, 1], data: weight } },
  });
}

async function scoresOf(cam: Explainer, image: ExplainSource): Promise<number[]> {
  const scores: number[] = [];
  for (const { index, score } of await cam.predict(image as never, { topK: 12 })) scores[index] = score;
  return scores;
}

function expectNear(got: readonly number[], expected: readonly number[], most = 3e-4): void {
  expect(Math.max(...expected.map((value, i) => Math.abs(value - got[i]!)))).toBeLessThan(most);
}

/** By test/golden/decode/make_quarters.py. */
const RGB = [0.5346, 0.5904, 0.5892, 0.5824, 0.3894, 0.4395, 0.4146, 0.4091, 0.2637, 0.3217, 0.2819, 0.2591];
const GREY = [0.4184, 0.471, 0.4515, 0.4436];
const grey = [...GREY, ...GREY, ...GREY];

describe('what reaches the network', () => {
  it.each<[string, readonly number[], PreprocessOptions?]>([
    ['rgb.png', RGB],
    ['palette.bmp', [0.5429, 0.5928, 0.5879, 0.5787, 0.3904, 0.4397, 0.4179, 0.408, 0.2639, 0.3135, 0.2819, 0.2703]],
    ['bits-565.bmp', [0.5343, 0.5914, 0.591, 0.5836, 0.3871, 0.4376, 0.412, 0.4067, 0.2553, 0.3143, 0.2748, 0.2504]],
    ['grey-8.bmp', grey],
    ['cmyk.jpg', [0.5347, 0.59, 0.5892, 0.583, 0.3898, 0.44, 0.4143, 0.4088, 0.2635, 0.3221, 0.2822, 0.2592]],
    ['cmyk.tif', RGB],
    ['u16.png', grey],
    ['u12.tif', grey, { range: [0, 4095] }],
    ['f32.tif', grey, { range: [-1000, 1000] }],
    ['i32.tif', grey, { range: [-1e9, 1e9] }],
  ])('%s: Pillow’s pixels', async (name, expected, options = {}) => {
    for (const last of [false, true]) {
      const cam = await open(quarters(3, last), { preprocess: { preset: 'unit', ...options } });
      expectNear(await scoresOf(cam, kind(name)), expected);
    }
  });

  it.each<[PreprocessOptions, readonly number[]]>([
    [
      { interpolation: 'bicubic' },
      [0.5339, 0.5913, 0.5891, 0.5829, 0.3887, 0.4404, 0.4146, 0.4088, 0.2632, 0.3225, 0.282, 0.2586],
    ],
    [
      { interpolation: 'nearest' },
      [0.5264, 0.587, 0.5863, 0.5824, 0.3817, 0.4357, 0.4113, 0.4105, 0.2605, 0.3189, 0.2786, 0.2633],
    ],
    [{ fit: 'crop' }, [0.5139, 0.596, 0.5816, 0.6001, 0.3757, 0.4392, 0.4076, 0.4048, 0.2496, 0.3175, 0.265, 0.2371]],
    [{ resize: 20 }, [0.4806, 0.6161, 0.5583, 0.6297, 0.3548, 0.4517, 0.3893, 0.4297, 0.2311, 0.3249, 0.2415, 0.2604]],
    [
      { cropPct: 0.8 },
      [0.4806, 0.6161, 0.5583, 0.6297, 0.3548, 0.4517, 0.3893, 0.4297, 0.2311, 0.3249, 0.2415, 0.2604],
    ],
    [
      { fit: 'squeeze', resize: 20 },
      [0.5205, 0.6039, 0.5673, 0.5886, 0.3811, 0.4477, 0.3936, 0.4077, 0.2515, 0.3254, 0.254, 0.2471],
    ],
    [{ padColor: 114 }, [0.513, 0.5517, 0.5392, 0.5343, 0.404, 0.4399, 0.4279, 0.423, 0.3088, 0.3518, 0.3455, 0.3269]],
    [{ channelOrder: 'bgr' }, [...RGB.slice(8), ...RGB.slice(4, 8), ...RGB.slice(0, 4)]],
    [{ mean: 0.5, std: 0.25 }, RGB.map(value => (value - 0.5) / 0.25)],
  ])('with %j', async (options, expected) => {
    const preprocess = options.mean === undefined ? { preset: 'unit' as const, ...options } : options;
    expectNear(await scoresOf(await open(quarters(3), { preprocess }), kind('rgb.png')), expected, 2e-3);
  });

  it('grey of colours, of any depth', async () => {
    const cam = await open(quarters(1), { preprocess: 'unit' });
    for (const name of ['rgb.png', 'grey-8.png', 'u16.tif'])
      expectNear((await scoresOf(cam, kind(name))).slice(0, 4), GREY, 5e-4);
  });
});

/** Stored so that a viewer that heeds the tag shows the picture upright. */
const STORED: Readonly<Record<number, (image: Sharp) => Sharp>> = {
  1: image => image,
  2: image => image.flop(),
  3: image => image.rotate(180),
  4: image => image.flip(),
  // sharp mirrors before it turns.
  5: image => image.rotate(270).flop(),
  6: image => image.rotate(270),
  7: image => image.rotate(90).flop(),
  8: image => image.rotate(90),
};

describe('maps lie where the network looked', () => {
  const centreOf = async (cam: Explainer, image: ExplainSource, target: number) => {
    const { map, status } = one(await cam.explain(image, { method: 'hirescam', layer: 'seen', target }));
    expect(status).toBe('ok');
    const { data, width, height } = map as { data: Float32Array; width: number; height: number };
    expect([width, height]).toEqual([24, 16]);
    let [sum, x, y] = [0, 0, 0];
    data.forEach((value, i) => {
      sum += value;
      x += value * ((i % width) + 0.5);
      y += value * (Math.floor(i / width) + 0.5);
    });
    const across = x / sum < width / 2 ? 'left' : 'right';
    return `${y / sum < height / 2 ? 'top' : 'bottom'} ${across}`;
  };

  it.each(
    [1, 2, 3, 4, 5, 6, 7, 8].flatMap(orientation =>
      (['png', 'jpeg', 'webp', 'tiff'] as const).map(format => [orientation, format] as const),
    ),
  )('orientation %d in a %s', async (orientation, format) => {
    const cam = await open(quarters(3), { preprocess: 'unit' });
    const options = {
      png: {},
      jpeg: { quality: 100, chromaSubsampling: '4:4:4' },
      webp: { lossless: true },
      tiff: { compression: 'lzw' },
    };
    const turned = await STORED[orientation]!(sharp(await readFile(kind('rgb.png'))))
      .png()
      .toBuffer();
    const image = await sharp(turned)
      .withMetadata({ orientation })
      .toFormat(format, options[format] as object)
      .toBuffer();
    expectNear(await scoresOf(cam, image), RGB, format === 'jpeg' ? 0.01 : 3e-4);
    for (const [quarter, name] of QUARTERS.entries()) expect(await centreOf(cam, image, quarter)).toBe(name);
  });

  it.each([
    { fit: 'crop' },
    { fit: 'crop', resize: 20 },
    { fit: 'squeeze', resize: 20 },
    { fit: 'letterbox' },
  ] as const)('with %j', async options => {
    const cam = await open(quarters(3), { preprocess: { preset: 'unit', ...options } });
    for (const [quarter, name] of QUARTERS.entries()) expect(await centreOf(cam, kind('rgb.png'), quarter)).toBe(name);
  });
});
