import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { rawPicture } from '../../lib/image/raw-picture.ts';
import { renderHeatmap, renderOverlay } from '../../lib/image/render.ts';
import { picture, pixelAt, texture } from './pictures.ts';

const map = { data: Float32Array.of(0, 0.25, 0.5, 0.75, 1, Number.NaN), width: 3, height: 2 };
const raw = (value: number) => rawPicture(picture(3, 2, () => [value, value, value]).data, 3, 2);

describe('renderHeatmap', () => {
  it('is what sharp takes as raw input', async () => {
    const heatmap = await renderHeatmap(map);
    expect(heatmap.info).toEqual({ width: 3, height: 2, channels: 3 });
    const png = await sharp(heatmap.data, { raw: heatmap.info }).png().toBuffer();
    expect(await sharp(png).metadata()).toMatchObject({ width: 3, height: 2 });
  });

  it('goes from dark blue to dark red', async () => {
    const { data } = await renderHeatmap(map);
    const [low, quarter, middle, three, high, missing] = [0, 1, 2, 3, 4, 5].map(i => [
      ...data.subarray(3 * i, 3 * i + 3),
    ]);
    expect(low).toEqual([0, 0, 128]);
    expect(quarter![2]).toBeGreaterThan(quarter![0]! + 200);
    expect(middle![1]).toBeGreaterThan(250);
    expect(three![0]).toBeGreaterThan(three![2]! + 200);
    expect(high).toEqual([128, 0, 0]);
    expect(missing).toEqual(low);
  });

  it('takes other colour maps', async () => {
    const { data } = await renderHeatmap(map, { colormap: 'greys' });
    expect([...data.subarray(0, 3), ...data.subarray(12, 15)]).toEqual([0, 0, 0, 255, 255, 255]);
    await expect(renderHeatmap(map, { colormap: 'jett' as never })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
    });
  });
});

describe('renderOverlay', () => {
  it('is alpha · colour + (1 − alpha) · picture, whatever the brightness of the picture', async () => {
    const heat = (await renderHeatmap(map)).data;
    for (const value of [0, 10, 128, 255]) {
      for (const alpha of [0, 0.3, 0.5, 1]) {
        const { data } = await renderOverlay(raw(value), map, { alpha });
        data.forEach((pixel, i) => {
          expect(Math.abs(pixel - (alpha * heat[i]! + (1 - alpha) * value))).toBeLessThanOrEqual(0.51);
        });
      }
    }
  });

  it('keeps red red and blue blue', async () => {
    const image = texture(3, 2);
    const { data } = await renderOverlay(rawPicture(image.data, 3, 2), map, { alpha: 0 });
    expect(pixelAt({ data, width: 3 }, 2, 1)).toEqual(pixelAt(image, 2, 1));
  });

  it('refuses what does not fit', async () => {
    for (const alpha of [-0.1, 1.1, Number.NaN, '0.5' as never]) {
      await expect(renderOverlay(raw(0), map, { alpha })).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    }
    const other = { ...map, width: 2, height: 3 };
    await expect(renderOverlay(raw(0), other)).rejects.toMatchObject({ code: 'ERR_INPUT_SHAPE', message: /2x3.*3x2/ });
  });
});
