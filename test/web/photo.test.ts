import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { closePage, hasBrowser, type OpenOptions, type OpenPage, openPage } from './browser.ts';
import { HOSTILE, sampleReport, writeSample } from './sample-report.ts';

let url: string;
let opened: OpenPage;

async function open(hash = '', options: OpenOptions = {}) {
  opened = await openPage(`${url}#view=photo${hash}`, options);
  await opened.page.waitForSelector('.inspector[data-drawn=true]');
  return opened.page;
}

/** A checksum of what the large canvas shows. */
const drawing = async () => {
  const shown = await opened.page.locator('.inspector canvas').evaluate((c: HTMLCanvasElement) => c.toDataURL());
  return createHash('sha1').update(shown).digest('hex');
};

/** Does something, and waits until the large canvas shows something else. */
async function changes(act: () => Promise<unknown>): Promise<void> {
  const before = await drawing();
  await act();
  await expect.poll(drawing).not.toBe(before);
}

const hashHas = (text: string) => opened.page.waitForFunction(part => location.hash.includes(part), text);
const title = () => opened.page.locator('.facts h3').textContent();
const readout = () => opened.page.locator('.readout').textContent();
const found = () => opened.page.locator('.found').textContent();

describe.skipIf(!hasBrowser)('one photograph', () => {
  beforeAll(async () => {
    url = await writeSample(await sampleReport());
  });
  afterEach(() => closePage(opened));

  test.each(['Box', 'Contour', 'Mask', 'Heat map'])(
    '%s changes the picture and is kept in the address',
    async label => {
      const page = await open('&photo=1');
      const before = await drawing();
      const box = page.getByLabel(label, { exact: true });
      const was = await box.isChecked();
      await changes(() => box.press('Space'));
      const name = label === 'Heat map' ? 'heat' : label.toLowerCase();
      await hashHas(`${name}=${!was}`);
      const after = await drawing();
      await page.reload();
      await expect.poll(drawing).toBe(after);
      expect(await box.isChecked()).toBe(!was);
      await box.press('Space');
      await expect.poll(drawing).toBe(before);
    },
  );

  test('opacity and colours change the picture, and a reload shows the same', async () => {
    const page = await open('&photo=1');
    const opacity = page.getByRole('slider', { name: 'Opacity' });
    await opacity.focus();
    await changes(() => page.keyboard.press('Home'));
    expect(await opacity.getAttribute('aria-valuetext')).toBe('0 %');
    await changes(() => page.keyboard.press('End'));
    await hashHas('alpha=1');
    await changes(() => page.getByLabel('Colours').selectOption('viridis'));
    await hashHas('colormap=viridis');
    const after = await drawing();
    await page.reload();
    await expect.poll(drawing).toBe(after);
    expect(await opacity.inputValue()).toBe('1');
    expect(await page.getByLabel('Colours').inputValue()).toBe('viridis');
    // Without colours there is nothing to be seen through.
    await page.getByLabel('Heat map').uncheck();
    expect(await opacity.isDisabled()).toBe(true);
  });

  test('the threshold drives contour and share of area, in each form', async () => {
    const page = await open('&photo=1&contour=true');
    const form = page.getByLabel('Threshold');
    const level = page.getByRole('slider', { name: 'Level' });
    expect(await level.inputValue()).toBe('0.15');
    const before = await found();
    await level.focus();
    await changes(() => page.keyboard.press('PageUp'));
    await expect.poll(found).not.toBe(before);
    await hashHas('level=');
    for (const [name, initial] of [
      ['value', '0.5'],
      ['q', '0.9'],
      ['sd', '1'],
    ] as const) {
      await changes(() => form.selectOption(name));
      expect(await level.inputValue()).toBe(initial);
    }
    await form.selectOption('q');
    await expect.poll(found).toMatch(/^(9\.9|10\.0|10\.1) % of the picture/);
    await changes(() => form.selectOption('otsu'));
    expect(await level.count()).toBe(0);
    await hashHas('threshold=otsu');
    const after = await drawing();
    await page.reload();
    await expect.poll(drawing).toBe(after);
    expect(await form.inputValue()).toBe('otsu');
  });

  test('an address that asks for what there is not shows the usual', async () => {
    const page = await open('&photo=1&colormap=constructor&threshold=constructor&alpha=7&maker=99&layer=x');
    expect(await page.getByLabel('Colours').inputValue()).toBe('jet');
    expect(await page.getByLabel('Threshold').inputValue()).toBe('max');
    expect(await page.getByRole('slider', { name: 'Opacity' }).getAttribute('aria-valuetext')).toBe('100 %');
    expect(await title()).toContain('grad-cam for tabby');
  });

  test('the pointer and the arrow keys read the map', async () => {
    const page = await open('&photo=1');
    const canvas = page.locator('.inspector canvas');
    const box = (await canvas.boundingBox())!;
    await canvas.hover({ position: { x: box.width / 2, y: box.height / 2 } });
    await expect.poll(readout).toMatch(/^map [01]\.\d{3} for tabby at x (319|320|321), y (239|240|241)$/);
    await page.mouse.move(0, 0);
    await expect.poll(readout).toBe('Point at the picture to read the map.');
    await canvas.focus();
    await page.keyboard.press('ArrowRight');
    expect(await readout()).toContain('at x 332, y 240');
    await page.keyboard.press('ArrowUp');
    expect(await readout()).toContain('at x 332, y 230');
    expect(await page.locator('.cross').isVisible()).toBe(true);
    for (let i = 0; i < 60; i++) await page.keyboard.press('ArrowLeft');
    expect(await readout()).toContain('at x 0, y 230');
    // The photograph is still the same.
    expect(await page.locator('.photo-head h2').textContent()).toBe('picture-1.jpg');
  });

  test('a map of the table is selected by click and by key', async () => {
    const page = await open('&photo=1');
    const cell = page.locator('.result-table').getByRole('button', { name: 'layer-cam · smooth-grad for class 4' });
    await changes(() => cell.click());
    expect(await title()).toContain('layer-cam · smooth-grad for class 4');
    expect(await cell.getAttribute('aria-pressed')).toBe('true');
    await hashHas('maker=1&target=4');
    await changes(() =>
      page.locator('.result-table').getByRole('button', { name: 'grad-cam for tabby', exact: true }).press('Enter'),
    );
    expect(await title()).toContain('grad-cam for tabby');
    await hashHas('maker=0&target=1');
    await page.reload();
    await page.waitForSelector('.inspector[data-drawn=true]');
    expect(await title()).toContain('grad-cam for tabby');
    await page.getByLabel('Technique').selectOption('smooth-grad');
    expect(await page.locator('.result-table tbody th').allTextContents()).toEqual([
      'layer-cam · smooth-grad',
      'random',
    ]);
    expect(await page.getByRole('combobox', { name: 'Layer', exact: true }).count()).toBe(0);
  });

  test('a run is chosen, and its method stays', async () => {
    const page = await open('&photo=1&maker=1');
    await changes(() => page.getByLabel('Run').selectOption('int8.onnx'));
    expect(await title()).toContain('layer-cam');
    await hashHas('run=1');
  });

  test('steps to the photographs beside it', async () => {
    const page = await open('&photo=1&sort=name&descending=true');
    const name = () => page.locator('.photo-head h2').textContent();
    await changes(() => page.getByRole('button', { name: 'Next photograph' }).click());
    expect(await name()).toBe(`${HOSTILE}.jpg`.split('/').at(-1));
    expect(await page.getByRole('button', { name: 'Next photograph' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Previous photograph' }).click();
    expect(await name()).toBe('picture-1.jpg');
  });

  test('a map that says nothing is marked, everywhere', async () => {
    const page = await open('&photo=2&maker=1&box=true&mask=true');
    expect(await page.locator('.inspector .map-mark').textContent()).toBe('zero: no gradient is positive');
    expect(await title()).toContain('zero');
    expect(await page.locator('.found').count()).toBe(0);
    const cell = page.getByRole('button', {
      name: /^layer-cam · smooth-grad for tabby: zero, no gradient is positive/,
    });
    expect(await cell.locator('.map-mark').getAttribute('title')).toBe('no gradient is positive');
    await page.locator('.inspector canvas').hover();
    await expect.poll(readout).toMatch(/^no map at x/);
  });

  test('says the error, the gone picture, classes and warnings', async () => {
    const page = await open('&photo=4');
    expect(await page.locator('.failure').textContent()).toContain(`ERR_IMAGE_INVALID no picture: ${HOSTILE}`);
    await page.keyboard.press('ArrowRight');
    await page.waitForSelector('.result-table');
    expect(await page.locator('.predictions li').allTextContents()).toEqual(['tabby65.0 %', 'class 425.0 %']);
    await page.getByLabel('Run').selectOption('int8.onnx');
    expect(await page.locator('main').textContent()).toContain('int8.onnx has no such photograph.');
  });

  test('has its curves, as numbers too', async () => {
    const page = await open('&photo=1');
    expect(await page.locator('.legend button').allTextContents()).toContain('grad-cam for tabby');
    await page.getByText('Values as a table').click();
    const table = page.locator('details table');
    await expect.poll(() => table.locator('tbody tr').count()).toBe(11);
    expect(await table.locator('tbody tr').nth(5).locator('th, td').first().textContent()).toBe('0.5');
  });
});

describe.skipIf(!hasBrowser)('a photograph whose file', () => {
  /** Opens a report whose first file of photographs has this text; null: it is gone. */
  async function beside(text: string | null) {
    const { data } = await sampleReport();
    const address = await writeSample({ data: { ...data, payloads: 'data' }, chunks: [] });
    if (text !== null) {
      const folder = new URL('data/', address);
      await mkdir(folder);
      await writeFile(new URL('photos-0.js', folder), text);
    }
    const { page } = await openPage(`${address}#view=photo&photo=1`);
    await page.waitForSelector('.inspector .map-mark');
    const mark = await page.locator('.inspector .map-mark').textContent();
    await page.context().close();
    return mark;
  }

  test('is gone says which', async () => {
    expect(await beside(null)).toMatch(/data\/photos-0\.js is missing: the folder data\/ belongs beside this page$/);
  });

  test.each(['onnxCamPhotos(0, [', ''])('is damaged (%j) says so', async text => {
    expect(await beside(text)).toMatch(/data\/photos-0\.js is damaged/);
  });

  test('lacks it says so', async () => {
    expect(await beside('onnxCamPhotos(0, [])')).toContain('make the report again');
  });
});
