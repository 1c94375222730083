import { describe, expect, it } from 'vitest';
import { drawOutlines } from '../../lib/image/outlines.ts';
import { rawPicture } from '../../lib/image/raw-picture.ts';
import { expectError } from '../helpers/expect-error.ts';
import { pixelAt } from './pictures.ts';

const SAME = { x: { scale: 1, offset: 0 }, y: { scale: 1, offset: 0 } };
const grey = (width: number, height: number) => rawPicture(new Uint8Array(3 * width * height).fill(77), width, height);

describe('outlines', () => {
  it('are white between dark edges, and leave the rest as it was', async () => {
    const box = { x: 30, y: 20, width: 40, height: 50 };
    const { data, info } = await drawOutlines(grey(100, 100), { boxes: [box], polygons: [] }, SAME);
    expect(info).toEqual({ width: 100, height: 100, channels: 3 });
    const at = (x: number, y: number) => pixelAt({ data, width: 100 }, x, y);
    const darkest = (line: readonly (readonly number[])[]) => Math.min(...line.map(([red]) => red!));
    const lightest = (line: readonly (readonly number[])[]) => Math.max(...line.map(([red]) => red!));
    for (const line of [
      [27, 28, 29, 30, 31, 32].map(x => at(x, 45)),
      [67, 68, 69, 70, 71, 72].map(x => at(x, 45)),
      [17, 18, 19, 20, 21, 22].map(y => at(50, y)),
      [67, 68, 69, 70, 71, 72].map(y => at(50, y)),
    ]) {
      expect(darkest(line)).toBeLessThan(60);
      expect(lightest(line)).toBeGreaterThan(120);
    }
    for (let y = 0; y < 100; y++)
      for (let x = 0; x < 100; x++) {
        const near = Math.min(
          ...[x + 0.5 - 30, x + 0.5 - 70].map(Math.abs),
          ...[y + 0.5 - 20, y + 0.5 - 70].map(Math.abs),
        );
        if (near > 3) expect(at(x, y)).toEqual([77, 77, 77]);
      }
  });

  it('are seen whole where a box ends with the picture, in pictures of any size', async () => {
    for (const [width, height] of [
      [100, 60],
      [3, 2],
      [1, 1],
      [900, 5],
    ] as const) {
      const whole = { x: 0, y: 0, width, height };
      const { data } = await drawOutlines(grey(width, height), { boxes: [whole], polygons: [] }, SAME);
      expect(data.length).toBe(3 * width * height);
      if (width === 100) expect(pixelAt({ data, width }, 1, 30)[0]).toBeGreaterThan(150);
    }
  });

  it('of polygons, and of other coordinates', async () => {
    const polygon = [
      [10, 10],
      [30, 10],
      [30, 30],
    ] as const;
    const along = { x: { scale: 2, offset: 5 }, y: { scale: 1, offset: 0 } };
    const { data } = await drawOutlines(grey(100, 40), { boxes: [], polygons: [polygon] }, along);
    expect(pixelAt({ data, width: 100 }, 45, 10)).not.toEqual([77, 77, 77]);
    expect(pixelAt({ data, width: 100 }, 65, 20)).not.toEqual([77, 77, 77]);
    expect(pixelAt({ data, width: 100 }, 30, 25)).toEqual([77, 77, 77]);
  });

  it('nothing is drawn: the picture itself', async () => {
    const picture = grey(4, 4);
    expect((await drawOutlines(picture, { boxes: [], polygons: [] }, SAME)).data).toBe(picture.data);
  });

  it('are refused where no SVG is as large', async () => {
    const wide = grey(32768, 1);
    const boxes = [{ x: 0, y: 0, width: 5, height: 1 }];
    await expectError(() => drawOutlines(wide, { boxes, polygons: [] }, SAME), 'ERR_OUTPUT', 'mapSize');
    expect((await drawOutlines(grey(32767, 1), { boxes, polygons: [] }, SAME)).info.width).toBe(32767);
  });
});
