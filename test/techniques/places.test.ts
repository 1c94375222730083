/** Maps come back to where the picture is: a bright spot is found where it was, by every technique, fit and kind of target. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { LoadOptions } from '../../lib/index.ts';
import { detection, segmentation } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { brightnessModel, noiseImage } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';
import { cheapTechniques, segmenter } from '../helpers/technique-networks.ts';

const open = explainerOpener();

const ALL = cheapTechniques({
  'smooth-grad': { n: 4, sigma: 0.05 },
  sess: { scales: 3, smooth: false },
  cameras: { sizes: [32, 48, 64] },
  'augmented-grad-cam': { n: 30, fuse: 'mean' },
});

/** The weighted middle of a map. */
function middleOf({ data, width, height }: { data: Float32Array; width: number; height: number }) {
  let [sum, x, y] = [0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const value = data[i]! ** 2;
    sum += value;
    x += value * ((i % width) + 0.5);
    y += value * (Math.floor(i / width) + 0.5);
  }
  return { x: x / sum / width, y: y / sum / height };
}

/** A bright square on black: its middle is at (0.25, 0.7) of a picture. */
const spot = (width: number, height: number) => {
  const side = Math.round(Math.min(width, height) / 5);
  const data = Buffer.alloc(width * height * 3);
  for (let y = Math.round(0.7 * height - side / 2); y < Math.round(0.7 * height + side / 2); y++)
    for (let x = Math.round(0.25 * width - side / 2); x < Math.round(0.25 * width + side / 2); x++)
      data.fill(255, 3 * (y * width + x), 3 * (y * width + x) + 3);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
};

const FITS: readonly (readonly [string, NonNullable<LoadOptions['preprocess']>, readonly [number, number]])[] = [
  ['squeezed', { scale: 1, mean: 0, std: 1, size: [48, 32] }, [90, 120]],
  ['in a letterbox', { scale: 1, mean: 0, std: 1, size: [48, 48], fit: 'letterbox' }, [120, 80]],
  ['cropped', { scale: 1, mean: 0, std: 1, size: [48, 48], fit: 'crop' }, [70, 90]],
];

describe.each(FITS)('a picture %s', (_, preprocess, [width, height]) => {
  it.each(ALL)('shows its spot by $name', async ({ technique }) => {
    const cam = await open(brightnessModel(), { preprocess });
    const { map, status } = await cam.explain(await spot(width, height), { target: 0, technique });
    expect(status).toBe('ok');
    expect([map.width, map.height]).toEqual([width, height]);
    const { x, y } = middleOf(map);
    expect(Math.abs(x - 0.25)).toBeLessThan(0.06);
    expect(Math.abs(y - 0.7)).toBeLessThan(0.06);
  });
});

/** 1 inside a box of [h, w]. */
const inside = (box: readonly [number, number, number, number], width: number, height: number) =>
  Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x >= box[0] && x < box[0] + box[2] && y >= box[1] && y < box[1] + box[3] ? 1 : 0;
  });

describe('a region', () => {
  // The raw map of a score that reads the region alone is zero outside: pixel by pixel the network sees a 2 × 2 window.
  const box = [1, 2, 3, 4] as const;
  it.each(['augmentation', 'multi-scale', 'sess', 'jitter-cam', 'smooth-grad', 'cameras'])(
    'stays where it was by %s',
    async name => {
      const cam = await open(segmenter());
      const params = { 'multi-scale': { scales: [1, 2] }, sess: { scales: 1 }, cameras: { sizes: [16] } }[name] ?? {};
      const { raw } = await cam.explain(noiseImage([1, 3, 16, 24]), {
        method: 'hirescam',
        target: segmentation({ classIndex: 1, region: { box: [...box] } }),
        technique: { name, params: name === 'sess' ? { ...params, smooth: false } : params },
      });
      const place = inside(box, 12, 8);
      const grid = { width: raw.width, height: raw.height };
      let [within, outside] = [0, 0];
      raw.data.forEach((value, i) => {
        const x = Math.floor((((i % grid.width) + 0.5) * 12) / grid.width);
        const y = Math.floor(((Math.floor(i / grid.width) + 0.5) * 8) / grid.height);
        // Enlarging blurs by a cell of the layer.
        const near = [-1, 0, 1].some(dy => [-1, 0, 1].some(dx => place[(y + dy) * 12 + x + dx] === 1));
        if (near) within += Math.abs(value);
        else outside += Math.abs(value);
      });
      expect(within).toBeGreaterThan(0);
      expect(outside).toBeLessThan(1e-6 * within);
    },
  );

  it('of a mask is mirrored with the input, not merely kept', async () => {
    const cam = await open(segmenter());
    const mask = inside([1, 2, 3, 4], 12, 8);
    const explain = (technique?: string) =>
      cam.explain(noiseImage([1, 3, 16, 24]), {
        method: 'hirescam',
        target: segmentation({ classIndex: 1, region: { mask, width: 12, height: 8 } }),
        technique,
        convention: 'paper',
      });
    const [plain, both] = [await explain(), await explain('augmentation')];
    // The network is not symmetric, so that the maps differ; where they are must not.
    const beyond = ({ map }: typeof plain) => map.data.filter((_, i) => i % 24 >= 10);
    expect(Math.max(...beyond(plain), ...beyond(both))).toBeLessThan(1e-6);
    expect(both.map.data.some(value => value > 0.1)).toBe(true);
  });
});

describe('a box of a detector', () => {
  const yolo = () => readFileSync(new URL('../golden/detection/yolov8.onnx', import.meta.url));
  it('is looked for where the mirror image has it', async () => {
    const cam = await open(yolo());
    const image = noiseImage([1, 3, 48, 48]);
    const turned = { ...image, data: image.data.map((_, i) => image.data[i - (i % 48) + 47 - (i % 48)]!) };
    const box = [6, 10, 20, 16] as const;
    const explain = (input: typeof image, [x, y, w, h]: readonly [number, number, number, number]) =>
      cam.explain(input, { method: 'hirescam', target: detection({ classIndex: 1, box: [x, y, w, h] }) });
    const target = detection({ classIndex: 1, box: [...box] });
    const both = await cam.explain(image, { method: 'hirescam', target, technique: 'augmentation' });
    // By hand: the six maps with a box of their own each, those of the mirror image turned back.
    const sum = new Float32Array(48 * 48);
    for (const factor of [0.9, 1, 1.1])
      for (const [input, own, isMirror] of [
        [image, box, false],
        [turned, [48 - 26, 10, 20, 16], true],
      ] as const) {
        const scaled = { ...input, data: input.data.map(value => value * factor) };
        const { map } = await explain(scaled, own);
        for (let i = 0; i < sum.length; i++) sum[i]! += map.data[isMirror ? i - (i % 48) + 47 - (i % 48) : i]! / 6;
      }
    expectClose(both.map.data, sum, 1e-5);
  });
});
