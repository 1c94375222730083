import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareImage } from '../../../lib/image/preprocess.ts';
import {
  type PictureInput,
  type PreprocessOptions,
  type ResolvedPreprocess,
  resolvePreprocess,
} from '../../../lib/image/preprocess-options.ts';
import { wholeFor } from '../../../lib/network/picture-values.ts';
import { decodeImage } from '../../helpers/decode-image.ts';
import { expectError } from '../../helpers/expect-error.ts';
import { type Pictures, pictureGraph, preprocessed } from '../../helpers/picture-graph.ts';
import { largestDifference } from '../../image/pictures.ts';

/** Every byte by chance: nothing is smooth, and wrong neighbours show. */
function noise(width: number, height: number, { count = 1, seed = 1 } = {}): Pictures {
  let state = seed + 7919 * width + height;
  const byte = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  return { count, width, height, data: Uint8Array.from({ length: 3 * count * width * height }, byte) };
}

const valuesOf = async ({ data, width, height }: Pictures, preprocess: ResolvedPreprocess) =>
  (await prepareImage({ data: Buffer.from(data), width, height }, preprocess)).tensor;

const FITS: Readonly<Record<string, PreprocessOptions>> = {
  squeeze: { fit: 'squeeze' },
  'squeeze, its middle': { fit: 'squeeze', cropPct: 0.8 },
  'squeeze, smaller than the input': { fit: 'squeeze', resize: 20 },
  crop: { fit: 'crop' },
  'crop with a share': { cropPct: 0.875 },
  'crop of a larger one': { resize: 48 },
  'crop of a smaller one': { resize: 21 },
  letterbox: { fit: 'letterbox' },
  'letterbox with a colour': { padColor: [114, 3, 250] },
};
const INTERPOLATIONS = ['bilinear', 'bicubic', 'nearest'] as const;

/** 1×1, as the input, smaller, larger, wide, tall, odd. */
const SIZES = [
  [1, 1],
  [37, 30],
  [9, 14],
  [160, 120],
  [331, 17],
  [3, 410],
  [75, 101],
] as const;

describe('a picture as nodes', () => {
  for (const [name, how] of Object.entries(FITS))
    it.each(INTERPOLATIONS)(`${name}: the bytes of preprocessing, %s`, async interpolation => {
      const preprocess = resolvePreprocess({ ...how, interpolation, size: [37, 30], preset: 'raw' });
      const pictures = SIZES.map(([width, height]) => noise(width, height));
      const made = await preprocessed(pictureGraph(preprocess), ...pictures);
      for (const [i, picture] of pictures.entries()) {
        const expected = await valuesOf(picture, preprocess);
        expect(made[i]!.dims).toEqual(expected.dims);
        expect(largestDifference(made[i]!.data, expected.data), `${picture.width}x${picture.height}`).toBe(0);
      }
    });

  it('of any size, into inputs of any size', async () => {
    const side = fc.integer({ min: 1, max: 90 });
    const length = fc.oneof(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 1200 }));
    const how = fc.oneof(
      fc.constantFrom(...Object.values(FITS)),
      fc.record({ resize: side, fit: fc.constantFrom('crop' as const, 'squeeze' as const) }),
      fc.record({ cropPct: fc.double({ min: 0.2, max: 1, noNaN: true }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(side, side),
        how,
        fc.constantFrom(...INTERPOLATIONS),
        length,
        length,
        fc.boolean(),
        async (size, fit, interpolation, long, short, tall) => {
          const preprocess = resolvePreprocess({ ...fit, size, interpolation, preset: 'raw', layout: 'nhwc' });
          const other = Math.max(1, Math.min(short, Math.floor(40_000 / long)));
          const picture = tall ? noise(other, long) : noise(long, other);
          const [made] = await preprocessed(pictureGraph(preprocess), picture);
          expect(largestDifference(made!.data, (await valuesOf(picture, preprocess)).data)).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  const normalisations: readonly (readonly [string, PreprocessOptions, PictureInput])[] = [
    ['a preset', { preset: 'imagenet', fit: 'letterbox' }, {}],
    ['a preset, channels last', { preset: 'imagenet', resize: 24 }, { layout: 'nhwc' }],
    ['mean, std and scale, blue first', { scale: 0.5, mean: [1, 2, 3], std: [2, 4, 5], channelOrder: 'bgr' }, {}],
    ['blue first, with a border', { channelOrder: 'bgr', padColor: [200, 10, 30] }, { layout: 'nhwc' }],
    ['a range', { range: [20, 180], preset: 'inception', padColor: 114 }, {}],
    ['a range of bytes', { range: [255, 0], preset: 'raw' }, {}],
    ['grey', { preset: 'imagenet', padColor: [9, 120, 40] }, { channels: 1 }],
    ['grey, cut out, channels last', { resize: 24, mean: 0.2, std: 0.3 }, { channels: 1, layout: 'nhwc' }],
  ];
  it.each(normalisations)('normalised: %s', async (_, options, input) => {
    const preprocess = resolvePreprocess({ size: [40, 32], ...options }, input);
    const picture = noise(52, 35);
    const [made] = await preprocessed(pictureGraph(preprocess), picture);
    const expected = await valuesOf(picture, preprocess);
    expect(made!.dims).toEqual(expected.dims);
    const largest = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    expect(largestDifference(made!.data, expected.data) / largest).toBeLessThan(1e-6);
  });

  it.each(INTERPOLATIONS)('each of a batch as it is alone: %s', async interpolation => {
    const preprocess = resolvePreprocess({ fit: 'letterbox', interpolation, size: [33, 40] });
    const pictures = noise(70, 45, { count: 3 });
    const size = 3 * 70 * 45;
    const alone = [0, 1, 2].map(i => ({ ...pictures, count: 1, data: pictures.data.slice(i * size, (i + 1) * size) }));
    const [all, ...each] = await preprocessed(pictureGraph(preprocess), pictures, ...alone);
    expect(all!.dims).toEqual([3, 3, 40, 33]);
    expect(all!.data).toEqual(Float32Array.from(each.flatMap(one => [...one.data])));
    expect(each[0]!.data).not.toEqual(each[1]!.data);
  });

  it.each(['uint8', 'int8', 'int64'] as const)('whole numbers for an input of %s', async stored => {
    const preprocess = resolvePreprocess({ size: [12, 10], mean: 0.5, std: 1 / 300 });
    const picture = noise(20, 17);
    const [made] = await preprocessed(pictureGraph(preprocess, { input: { stored } }), picture);
    const expected = wholeFor({ stored }, (await valuesOf(picture, preprocess)).data);
    expect(largestDifference(made!.data, expected)).toBe(0);
  });
});

describe('a picture as nodes, beside Pillow and torchvision', () => {
  const golden = (name: string) => decodeImage(fileURLToPath(new URL(`../../golden/decode/${name}`, import.meta.url)));
  const files: readonly (readonly [string, PreprocessOptions])[] = [
    ...(['bilinear', 'bicubic', 'nearest'] as const).flatMap(interpolation =>
      (['down-64x48', 'narrow-31x220', 'up-320x210'] as const).map(
        name => [`resized-${name}-${interpolation}.png`, { interpolation, size: sizeIn(name) }] as const,
      ),
    ),
    ['crop-64.png', { fit: 'crop', size: [64, 64] }],
    ['crop-63.png', { fit: 'crop', size: [63, 63] }],
  ];
  it.each(files)('%s, to the bit', async (name, options) => {
    const preprocess = resolvePreprocess({ ...options, preset: 'raw', layout: 'nhwc' });
    const { data, width, height } = await golden('picture.png');
    const expected = await golden(name);
    const [made] = await preprocessed(pictureGraph(preprocess), { count: 1, width, height, data });
    // The large ones were cut to a corner.
    const row = 3 * preprocess.size[0];
    const length = 3 * expected.width;
    const corner = Array.from({ length: expected.height }, (_, y) => [
      ...made!.data.subarray(y * row, y * row + length),
    ]);
    expect(largestDifference(corner.flat(), expected.data)).toBe(0);
  });
});

/** `down-64x48` */
function sizeIn(name: string): [number, number] {
  const [width, height] = name.split('-')[1]!.split('x').map(Number);
  return [width!, height!];
}

describe('the nodes of a picture', () => {
  it.each([11, 12, 13, 18, 21])('are operators of opset %i, which is not raised', async opset => {
    for (const interpolation of INTERPOLATIONS) {
      const preprocess = resolvePreprocess({ fit: 'letterbox', interpolation, size: [24, 20], preset: 'raw' });
      const graph = pictureGraph(preprocess, { opset });
      expect(graph.opset).toBe(opset);
      expect(new Set(graph.nodes.map(node => node.domain))).toEqual(new Set(['']));
      const picture = noise(31, 45);
      const [made] = await preprocessed(graph, picture);
      expect(largestDifference(made!.data, (await valuesOf(picture, preprocess)).data)).toBe(0);
    }
  });

  it.each(Object.entries(FITS))('read every constant that is written: %s', (_, how) => {
    for (const interpolation of INTERPOLATIONS) {
      const graph = pictureGraph(resolvePreprocess({ ...how, interpolation, size: [37, 30] }));
      const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
      expect([...graph.initializers.keys()].filter(name => !read.has(name))).toEqual([]);
    }
  });

  it('need opset 11', async () => {
    const preprocess = resolvePreprocess({ size: [24, 20] });
    await expectError(() => pictureGraph(preprocess, { opset: 10 }), 'ERR_MODEL_UNSUPPORTED', 'opset 11 or newer');
  });

  it.each([{ channels: 4 }, { width: 25 }, { height: 21 }, { layout: 'nhwc' }] as const)(
    'are refused where preprocessing is not for the input: %o',
    async input => {
      const preprocess = resolvePreprocess({ size: [24, 20] });
      await expectError(() => pictureGraph(preprocess, { input }), 'ERR_INPUT_SHAPE', 'the model takes');
    },
  );
});
