import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../lib/common/random.ts';
import type { ColormapName } from '../../lib/image/colormap.ts';
import { place } from '../../lib/image/geometry.ts';
import { placementOf } from '../../lib/image/map-size.ts';
import { rawPicture } from '../../lib/image/raw-picture.ts';
import { renderOverlay } from '../../lib/image/render.ts';
import { restoreMaps } from '../../lib/image/restore-map.ts';
import type { Explanation, Threshold } from '../../lib/index.ts';
import { smallMap } from '../../lib/report/small-map.ts';
import { decide } from '../../web/draw/decide.ts';
import { placeMap, valuesOf } from '../../web/draw/place-map.ts';
import { closePage, hasBrowser, type OpenPage, openPage } from './browser.ts';
import { FITS, type RealReport, realReport } from './real-report.ts';
import { float16, writeSample } from './sample-report.ts';

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

describe('a map placed by the page', () => {
  const side = fc.integer({ min: 30, max: 300 });
  const cells = fc.integer({ min: 1, max: 12 });

  test('is the one that the library places over a picture of that size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ width: side, height: side, across: side, columns: cells, rows: cells, seed: fc.nat() }),
        fc.constantFrom(...FITS),
        async ({ width, height, across, columns, rows, seed }, fit) => {
          const random = new Random(seed);
          const layer = Float32Array.from({ length: columns * rows }, () => random.uniform());
          const placement = place({ width, height }, { width: 96, height: 80 }, fit);
          const maps = { data: layer, dims: [1, rows, columns] as [number, number, number] };
          const whole = await restoreMaps(maps, placement);
          const small = smallMap(
            { data: whole.data, width, height },
            { over: 'picture', placement },
            { width: columns, height: rows },
          );
          // At the picture's own size and at another one.
          expect(largest(placeMap(small, width, height).data, whole.data)).toBeLessThan(1.1 / 255);
          const down = Math.max(1, Math.round((across * height) / width));
          const other = await restoreMaps(maps, placementOf(placement, { width: across, height: down }));
          const placed = placeMap(
            { ...small, width: columns, height: rows, type: 'float16', data: float16([...layer]) },
            across,
            down,
          );
          expect(largest(placed.data, other.data)).toBeLessThan(0.002);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('shows one pixel at least of what the model saw', () => {
    const small = { width: 1, height: 1, type: 'uint8', data: btoa('\xff'), x: { scale: 1, offset: 0 } } as const;
    const { data } = placeMap({ ...small, y: small.x, shown: [0.49, 0, 0.51, 1] }, 4, 1);
    expect([...data]).toEqual([0, 0, 1, 0]);
  });

  test('holds bytes, or halves', () => {
    const at = { x: { scale: 1, offset: 0 }, y: { scale: 1, offset: 0 }, shown: [0, 0, 1, 1] } as const;
    const bytes = valuesOf({ width: 3, height: 1, type: 'uint8', data: btoa('\x00\x33\xff'), ...at });
    expect([...bytes]).toEqual([0, Math.fround(0.2), 1]);
    const halves = valuesOf({ width: 2, height: 1, type: 'float16', data: float16([0.25, 1]), ...at });
    expect([...halves]).toEqual([0.25, 1]);
  });
});

const THRESHOLDS: readonly [hash: string, Threshold][] = [
  ['threshold=max&level=0.15', { ofMax: 0.15 }],
  ['threshold=max&level=0.6', { ofMax: 0.6 }],
  ['threshold=value&level=0.3', { value: 0.3 }],
  ['threshold=q&level=0.9', { quantile: 0.9 }],
  ['threshold=sd&level=1', { meanStd: 1 }],
  ['threshold=otsu', 'otsu'],
];

describe('a canvas', () => {
  let report: RealReport;
  let url: string;
  beforeAll(async () => {
    report = await realReport();
    url = await writeSample(report);
  }, 120_000);

  test.each(THRESHOLDS)('decides at %s as the library does', async (_, threshold) => {
    for (const { original, explanations } of report.real)
      for (const explanation of explanations) {
        const { boxes, contours, inside } = await decide(explanation.map, original, threshold, {
          box: true,
          contour: true,
        });
        expect(boxes).toEqual(await explanation.boxes({ threshold }));
        expect(contours).toEqual(await explanation.contours({ threshold }));
        const mask = await explanation.mask({ threshold });
        expect(inside.length).toBe(explanation.map.data.length);
        expect(mask.data.map(value => value / 255)).toEqual(inside);
      }
  });

  describe.skipIf(!hasBrowser)('in a browser', () => {
    let opened: OpenPage;
    beforeAll(async () => {
      opened = await openPage(url);
    });
    afterAll(() => closePage(opened));

    /** Shows a photograph by the settings. @returns RGB */
    async function drawn(settings: string): Promise<Uint8Array> {
      const { page } = opened;
      const show = (hash: string) =>
        page.evaluate(hash => {
          location.hash = hash;
        }, hash);
      // Another canvas each time: what it shows first is what was asked for.
      await show('view=photos');
      await page.waitForSelector('.inspector', { state: 'detached' });
      await show(`view=photo&${settings}`);
      await page.waitForSelector('.inspector[data-drawn=true]');
      const rgba = Buffer.from(await pixels(), 'base64');
      return Uint8Array.from({ length: (3 * rgba.length) / 4 }, (_, i) => rgba[4 * Math.floor(i / 3) + (i % 3)]!);
    }

    const pixels = () =>
      opened.page.locator('.inspector canvas').evaluate((canvas: HTMLCanvasElement) => {
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })!;
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
        let text = '';
        for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
        return btoa(text);
      });

    const each = (act: (settings: string, explanation: Explanation, photo: number) => Promise<void>) =>
      report.real.reduce(async (before, { explanations }, photo) => {
        await before;
        for (const [maker, explanation] of explanations.entries())
          await act(`photo=${photo}&maker=${maker}`, explanation, photo);
      }, Promise.resolve());

    test('has the picture alone without its heat map', async () => {
      await each(async (settings, explanation) => {
        const { data } = await explanation.overlay({ alpha: 0 });
        expect(largest(await drawn(`${settings}&heat=false`), data)).toBe(0);
        expect(largest(await drawn(`${settings}&alpha=0`), data)).toBe(0);
      });
    });

    test.each([
      ['jet', 0.5],
      ['jet', 1],
      ['turbo', 0.3],
      ['viridis', 0.8],
      ['inferno', 0.5],
    ] as const)('has the pixels of overlay() in %s at an opacity of %d', async (colormap, alpha) => {
      await each(async (settings, explanation) => {
        const canvas = await drawn(`${settings}&colormap=${colormap}&alpha=${alpha}`);
        const { data } = await explanation.overlay({ colormap, alpha });
        // Where a value lies on the border of two colours, halves may fall on the other side.
        const beside = await Promise.all([-0.1 / 255, 0.1 / 255].map(by => shifted(explanation, by, colormap, alpha)));
        const off = (i: number, of: Uint8Array) => Math.abs(canvas[i]! - of[i]!);
        const far = [...canvas.keys()].filter(i => off(i, data) > 2);
        expect(canvas.length).toBe(data.length);
        expect(far.length / data.length).toBeLessThan(0.01);
        expect(far.filter(i => beside.every(other => off(i, other) > 2))).toEqual([]);
      });
    });

    async function shifted(explanation: Explanation, by: number, colormap: ColormapName, alpha: number) {
      const { map } = explanation;
      const data = map.data.map(value => Math.min(1, Math.max(0, value + by)));
      const { data: picture, info } = await explanation.overlay({ alpha: 0 });
      return (await renderOverlay(rawPicture(picture, info.width, info.height), { ...map, data }, { colormap, alpha }))
        .data;
    }

    test.each(THRESHOLDS)(
      'draws and tells box, contour and area at %s as the library does',
      async (hash, threshold) => {
        await each(async (settings, explanation, photo) => {
          const canvas = await drawn(`${settings}&box=true&contour=true&${hash}`);
          const { data } = await explanation.overlay({ boxes: { threshold }, contours: { threshold } });
          const far = canvas.filter((value, i) => Math.abs(value - data[i]!) > 48).length;
          // Lines are smoothed differently; those that are missing are all far.
          const lines = (await explanation.overlay()).data.filter((value, i) => Math.abs(value - data[i]!) > 48).length;
          expect(lines / data.length).toBeGreaterThan(0.01);
          expect(far / lines).toBeLessThan(0.25);
          const said = await opened.page.locator('.found').textContent();
          const [share, x, y, width, height, area] = said!.match(/[\d.]+/g)!.map(Number);
          const [box] = await explanation.boxes({ threshold });
          const { original } = report.real[photo]!;
          const inside = (await explanation.mask({ threshold })).data;
          expect(share).toBeCloseTo((100 * inside.filter(value => value > 0).length) / inside.length, 0);
          // Halves move the border by a pixel of the map at most.
          const pixel = Math.ceil(original.width / explanation.map.width);
          for (const [told, true_] of [
            [x, box!.x],
            [y, box!.y],
            [width, box!.width],
            [height, box!.height],
          ] as const)
            expect(Math.abs(told! - true_)).toBeLessThanOrEqual(2 * pixel);
          expect(Math.abs(area! - box!.area) / box!.area).toBeLessThan(0.01);
        });
      },
    );

    test('dims what mask() leaves out', async () => {
      await each(async (settings, explanation) => {
        const canvas = await drawn(`${settings}&mask=true&heat=false&level=0.5`);
        const [{ data }, mask] = await Promise.all([
          explanation.overlay({ alpha: 0 }),
          explanation.mask({ threshold: { ofMax: 0.5 } }),
        ]);
        let wrong = 0;
        mask.data.forEach((value, i) => {
          const [r, g, b] = data.subarray(3 * i, 3 * i + 3);
          const grey = (0.299 * r! + 0.587 * g! + 0.114 * b!) / 4;
          if (Math.abs(canvas[3 * i]! - (value > 0 ? r! : grey)) > 1) wrong++;
        });
        expect(wrong / mask.data.length).toBeLessThan(0.002);
      });
    });
  });
});
