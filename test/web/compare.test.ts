import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { pearson } from '../../lib/common/pearson.ts';
import { placeMap } from '../../web/draw/place-map.ts';
import { closePage, hasBrowser, type OpenPage, openPage } from './browser.ts';
import { type Sample, sampleReport, writeSample } from './sample-report.ts';

let sample: Sample;
let url: string;
let opened: OpenPage;

async function open(hash = '') {
  opened = await openPage(`${url}#view=compare${hash}`);
  await opened.page.waitForSelector('.side');
  return opened.page;
}

const side = (name: string) => opened.page.getByRole('region', { name, exact: true });
const titles = () => opened.page.locator('.facts h3').allTextContents();
const drawings = () =>
  opened.page.locator('.side canvas').evaluateAll(all => all.map(c => (c as HTMLCanvasElement).toDataURL()));

describe.skipIf(!hasBrowser)('two results side by side', () => {
  beforeAll(async () => {
    sample = await sampleReport();
    url = await writeSample(sample);
  });
  afterEach(() => closePage(opened));

  test('start with the same method and class of both runs', async () => {
    await open('&photo=1&maker=1&target=4');
    expect(await titles()).toEqual([
      'layer-cam · smooth-grad for class 4 ok',
      'layer-cam · smooth-grad for class 4 ok',
    ]);
    expect(await side('Left').getByLabel('Run').locator('option:checked').textContent()).toBe('float.onnx');
    expect(await side('Right').getByLabel('Run').locator('option:checked').textContent()).toBe('int8.onnx');
  });

  test('each side chooses its run, method and class, and a reload shows the same', async () => {
    const page = await open('&photo=1');
    await side('Right').getByLabel('Run').selectOption('float.onnx');
    await expect.poll(titles).toEqual(['grad-cam for tabby ok', 'layer-cam · smooth-grad for tabby ok']);
    await side('Right').getByLabel('Method').selectOption('random');
    await side('Left').getByLabel('Class').selectOption('class 4');
    await side('Left').getByLabel('Method').selectOption({ label: 'layer-cam · smooth-grad' });
    const wanted = ['layer-cam · smooth-grad for class 4 ok', 'random for tabby ok'];
    expect(await titles()).toEqual(wanted);
    await page.waitForFunction(() => location.hash.includes('otherMaker=2'));
    await page.reload();
    await expect.poll(titles).toEqual(wanted);
  });

  test('share sliders, and the place that is read', async () => {
    const page = await open('&photo=1');
    await expect.poll(() => page.locator('.side .inspector[data-drawn=true]').count()).toBe(2);
    const before = await drawings();
    await page.getByRole('slider', { name: 'Opacity' }).focus();
    await page.keyboard.press('End');
    await expect.poll(async () => (await drawings()).map((one, i) => one !== before[i])).toEqual([true, true]);
    await page.locator('.side canvas').first().hover();
    await expect
      .poll(() => page.locator('.readout').allTextContents())
      .toEqual([
        expect.stringMatching(/^map .* for tabby at x 3\d\d/),
        expect.stringMatching(/^map .* for tabby at x 3\d\d/),
      ]);
    const [left, right] = await page.locator('.readout').allTextContents();
    expect(left).not.toBe(right);
    expect(left!.split(' at ')[1]).toBe(right!.split(' at ')[1]);
  });

  test('are correlated and subtracted', async () => {
    const page = await open('&photo=1');
    const { maps } = sample.chunks[0]![1]!;
    const results = sample.data.photos[1]!.runs.map(run => run!.results[0]!.map!);
    const [a, b] = results.map(place => placeMap(maps[place]!, 320, 240).data);
    const r = pearson(a!, b!)!;
    await expect
      .poll(() => page.locator('.difference p').first().textContent())
      .toBe(`Correlation of the maps (Pearson): ${r.toFixed(3).replace('-', '−')}`);
    const colours = await page.locator('.difference canvas').evaluate((canvas: HTMLCanvasElement) => {
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })!;
      copy.drawImage(canvas, 0, 0);
      return [...copy.getImageData(0, 0, canvas.width, canvas.height).data];
    });
    // Orange where the left map is clearly larger, blue where the right one is.
    for (let i = 0; i < a!.length; i++) {
      const by = a![i]! - b![i]!;
      const warm = colours[4 * i]! - colours[4 * i + 2]!;
      if (Math.abs(by) > 0.5) expect(Math.sign(warm)).toBe(Math.sign(by));
    }
  });

  test('a map that says nothing has no difference', async () => {
    const page = await open('&photo=2&maker=1');
    await expect.poll(() => page.locator('.difference p').first().textContent()).toContain('not ok has no difference');
    expect(await side('Left').locator('.map-mark').textContent()).toContain('zero');
  });

  test('what a run has not got is said', async () => {
    const page = await open('&photo=5');
    expect(await side('Right').textContent()).toContain('int8.onnx has no such photograph.');
    expect(await page.locator('.difference').count()).toBe(0);
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => page.locator('.failure').count()).toBe(2);
  });
});
