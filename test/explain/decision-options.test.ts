import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { PreprocessOptions } from '../../lib/image/preprocess-options.ts';
import { brightModel, squareOn } from '../helpers/bright-square.ts';
import { expectError } from '../helpers/expect-error.ts';
import { one } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const half = { threshold: { ofMax: 0.5 } } as const;

const openBright = (preprocess: PreprocessOptions, side = 64) =>
  open(brightModel(side, side), { intraOpNumThreads: 1, preprocess: { mean: 0, std: 1, ...preprocess } });

describe('options', () => {
  const opened = openBright({ fit: 'squeeze' });
  const result = async () =>
    one(
      await (await opened).explain(squareOn([64, 64], [8, 8, 8, 8]), { layer: 'bright', target: 0 }),
    ) as never as Record<string, (options: unknown) => Promise<unknown>>;

  it.each([
    ['boxes', 5, 'object'],
    ['boxes', null, 'object'],
    ['boxes', { treshold: 'otsu' }, 'did you mean threshold'],
    ['boxes', { threshold: 0.3 }, '0.3'],
    ['boxes', { threshold: { ofMax: 2 } }, 'from 0 to 1'],
    ['boxes', { threshold: { value: Number.NaN } }, 'threshold'],
    ['boxes', { threshold: { value: 1, ofMax: 1 } }, 'threshold'],
    ['boxes', { connectivity: 6 }, '4 or 8'],
    ['boxes', { by: 'size' }, 'area, sum, peak'],
    ['boxes', { max: 0 }, 'at least 1'],
    ['boxes', { max: 1.5 }, '1.5'],
    ['boxes', { minArea: -1 }, '-1'],
    ['boxes', { slice: 1 }, 'volume'],
    ['peaks', { minDistance: 0 }, 'at least 1'],
    ['peaks', { minDistance: '3' }, 'minDistance'],
    ['peaks', { by: 'area' }, "no option 'by'"],
    ['mask', { max: 1 }, "no option 'max'"],
    ['crop', { margin: -1 }, 'margin'],
    ['crop', { margin: '10' }, "'10%'"],
    ['crop', { margin: Infinity }, 'margin'],
    ['crop', { box: [1, 2, 3] }, 'box'],
    ['crop', { box: [1, 2, 0, 4] }, 'above 0'],
    ['crop', { box: { x: 1, y: 2, width: 3 } }, 'box'],
    ['crop', { box: true }, 'true'],
    ['contours', { connectivity: '8' }, '4 or 8'],
    ['overlay', { boxes: 'all' }, 'object'],
    ['overlay', { boxes: { max: 0 } }, 'at least 1'],
    ['overlay', { boxes: { slice: 3 } }, "no option 'slice'"],
    ['overlay', { boxes: [[1, 2, 3]] }, 'an entry of `boxes`'],
    ['heatmap', { contours: [{ outline: [[1]] }] }, 'an entry of `contours`'],
    ['heatmap', { box: true }, 'did you mean boxes'],
  ])('%s refuses %j', async (name, options, says) => {
    const explanation = await result();
    await expectError(() => explanation[name]!(options), 'ERR_OPTION_INVALID', says);
  });
});

describe('drawings', () => {
  const dark = (data: Uint8Array, width: number, x: number, y: number) => data[3 * (y * width + x)]! < 60;
  const light = (data: Uint8Array, width: number, x: number, y: number) => {
    const at = 3 * (y * width + x);
    return Math.min(data[at]!, data[at + 1]!, data[at + 2]!) > 200;
  };

  it('have the boxes where the picture’s are, on overlays and heat maps of every size', async () => {
    const cam = await openBright({ fit: 'crop' }, 200);
    for (const mapSize of ['picture', 'input', 'layer', { max: 300 }] as const) {
      const result = one(
        await cam.explain(squareOn([600, 400], [200, 100, 200, 200]), { mapSize, layer: 'bright', target: 0 }),
      );
      for (const kind of ['overlay', 'heatmap'] as const) {
        const plain = await result[kind]({ colormap: 'greys' });
        const { data, info } = await result[kind]({ colormap: 'greys', boxes: { ...half } });
        expect(info).toEqual(plain.info);
        // The crop shows the columns 100 to 500.
        const overInput = kind === 'heatmap' && info.width === 200;
        const left = overInput ? 50 : (200 * info.width) / 600;
        const top = overInput ? 50 : (100 * info.height) / 400;
        const bottom = overInput ? 150 : (300 * info.height) / 400;
        const middle = Math.round((top + bottom) / 2);
        const near = [-3, -2, -1, 0, 1, 2].map(by => left + by);
        expect(near.some(x => light(data, info.width, x, middle))).toBe(true);
        expect(near.some(x => dark(data, info.width, x, middle))).toBe(true);
        const changed = new Set<number>();
        data.forEach((value, i) => {
          if (value !== plain.data[i]) changed.add(Math.floor(i / 3));
        });
        for (const pixel of changed) {
          const [x, y] = [(pixel % info.width) + 0.5, Math.floor(pixel / info.width) + 0.5];
          const right = overInput ? 150 : (400 * info.width) / 600;
          const off = Math.min(...[x - left, x - right, y - top, y - bottom].map(Math.abs));
          expect(off).toBeLessThan(5);
        }
      }
    }
  });

  it('are the same for true, options and what was found; contours too', async () => {
    const cam = await openBright({ fit: 'squeeze' });
    const result = one(await cam.explain(squareOn([128, 128], [32, 32, 64, 32]), { layer: 'bright', target: 0 }));
    const same = async (one: Promise<{ data: Uint8Array }>, other: Promise<{ data: Uint8Array }>) =>
      expect(Buffer.compare((await one).data, (await other).data)).toBe(0);
    const [boxes, contours] = await Promise.all([result.boxes(), result.contours()]);
    await same(result.overlay({ boxes: true }), result.overlay({ boxes }));
    await same(
      result.overlay({ boxes: {} }),
      result.overlay({ boxes: boxes.map(({ x, y, width, height }) => [x, y, width, height] as const) }),
    );
    await same(result.heatmap({ contours: true }), result.heatmap({ contours }));
    await same(result.overlay({ boxes: false, contours: false }), result.overlay());
    expect(Buffer.compare((await result.overlay({ contours: true })).data, (await result.overlay()).data)).not.toBe(0);
    const file = await sharp(await result.toBuffer({ boxes: true, kind: 'heatmap' }))
      .raw()
      .toBuffer();
    await same(Promise.resolve({ data: file }), result.heatmap({ boxes: true }));
  });
});
