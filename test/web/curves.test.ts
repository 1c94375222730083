import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { closePage, hasBrowser, type OpenPage, openPage } from './browser.ts';
import { sampleReport, writeSample } from './sample-report.ts';

let url: string;
let opened: OpenPage;

async function open(hash = '#view=curves') {
  opened = await openPage(`${url}${hash}`);
  await opened.page.waitForSelector('.chart canvas');
  return opened.page;
}

/** How many pixels of the first chart have this colour, but for the rounding of its edges. */
const pixels = (hex: string) =>
  opened.page
    .locator('.chart canvas')
    .first()
    .evaluate((chart: HTMLCanvasElement, colour) => {
      // A copy, since reading often from a canvas that is drawn by the graphics card is slow, and the browser warns of it.
      const copy = new OffscreenCanvas(chart.width, chart.height).getContext('2d', { willReadFrequently: true })!;
      copy.drawImage(chart, 0, 0);
      const wanted = [1, 3, 5].map(i => Number.parseInt(colour.slice(i, i + 2), 16));
      const { data } = copy.getImageData(0, 0, chart.width, chart.height);
      let found = 0;
      for (let i = 0; i < data.length; i += 4)
        if (data[i + 3]! > 250 && wanted.every((value, c) => Math.abs(value - data[i + c]!) <= 2)) found++;
      return found;
    }, hex);
const FIRST = { light: '#0060a8', dark: '#6cb6ff' };
const CONTROL = '#00795c';

describe.skipIf(!hasBrowser)('curves of an evaluation', () => {
  beforeAll(async () => {
    url = await writeSample(await sampleReport());
  });
  afterEach(() => closePage(opened));

  test('are lines of each maker, of both runs, controls dashed', async () => {
    const page = await open();
    expect(await page.locator('main h2').allTextContents()).toEqual([
      'Mean deletion of float.onnx',
      'Mean deletion of int8.onnx',
    ]);
    expect(await page.getByText('Means over 6 images; controls are dashed.').count()).toBe(2);
    expect(await page.getByRole('img', { name: /grad-cam, layer-cam · smooth-grad, random/ }).count()).toBe(2);
    const [line, dashed] = [await pixels(FIRST.light), await pixels(CONTROL)];
    expect(line).toBeGreaterThan(300);
    expect(dashed).toBeGreaterThan(50);
    expect(await page.locator('.legend line[stroke-dasharray]').count()).toBe(2);
  });

  test('are of the metric that is chosen', async () => {
    const page = await open();
    await page.getByLabel('Metric').selectOption('insertion');
    await page.waitForFunction(() => location.hash === '#view=curves&metric=insertion');
    expect(await page.locator('main h2').first().textContent()).toBe('Mean insertion of float.onnx');
    await page.reload();
    expect(await page.getByLabel('Metric').inputValue()).toBe('insertion');
  });

  test('can be hidden one by one', async () => {
    const page = await open();
    const button = page.getByRole('button', { name: 'grad-cam' }).first();
    await button.click();
    expect(await button.getAttribute('aria-pressed')).toBe('false');
    await expect.poll(() => pixels(FIRST.light)).toBe(0);
    await button.press('Enter');
    await expect.poll(() => pixels(FIRST.light)).toBeGreaterThan(300);
  });

  test('say their values under the pointer', async () => {
    const page = await open();
    const over = page.locator('.u-over').first();
    const box = (await over.boundingBox())!;
    await over.hover({ position: { x: box.width / 2, y: box.height / 2 } });
    await expect
      .poll(() => page.locator('.legend').first().locator('output').allTextContents())
      .toEqual(['0.5', '0.25', '0.125']);
  });

  test('have the colours of the theme, and light ones on paper', async () => {
    const page = await open('#view=curves&theme=dark');
    expect(await pixels(FIRST.dark)).toBeGreaterThan(300);
    await page.emulateMedia({ media: 'print' });
    await expect.poll(() => pixels(FIRST.light)).toBeGreaterThan(300);
  });
});
