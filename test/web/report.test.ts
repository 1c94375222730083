import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { closePage, hasBrowser, type OpenOptions, type OpenPage, openPage } from './browser.ts';
import { type Sample, sampleReport, writeSample } from './sample-report.ts';

let url: string;
let opened: OpenPage;

async function open(hash = '', options: OpenOptions = {}, address = url) {
  opened = await openPage(`${address}${hash}`, options);
  await opened.page.waitForSelector('main');
  return opened.page;
}

/** A sample of one run and one maker, not evaluated. */
async function plainSample(): Promise<Sample> {
  const { data, chunks } = await sampleReport(3);
  const [run] = data.runs;
  const photos = data.photos.map(photo => ({ ...photo, runs: [{ ...photo.runs[0]!, results: [] }] }));
  return {
    data: { ...data, runs: [{ ...run!, makers: [run!.makers[0]!], summary: null, curves: [] }], photos },
    chunks,
  };
}

describe.skipIf(!hasBrowser)('the report in a browser', () => {
  beforeAll(async () => {
    url = await writeSample(await sampleReport());
  });
  afterEach(() => closePage(opened));

  const hash = (wanted: string) => opened.page.waitForFunction(text => location.hash === text, wanted);
  const views = () => opened.page.locator('nav button').allTextContents();
  const now = () => opened.page.locator('nav [aria-current=page]').textContent();

  test('opens from a disk without a fault', async () => {
    const page = await open();
    expect(await page.title()).toBe('float.onnx and int8.onnx · onnx-cam');
    expect(await page.locator('h1').textContent()).toBe('float.onnx and int8.onnx');
    expect(await page.locator('header').textContent()).toContain('0.1.0');
    await expect.poll(now).toBe('Photographs');
  });

  test('leads to the views that it has', async () => {
    const page = await open();
    expect(await views()).toEqual(['Photographs', 'Photograph', 'Compare', 'Curves', 'Summary']);
    for (const [name, view] of [
      ['Summary', '#view=summary'],
      ['Curves', '#view=curves'],
      ['Compare', '#view=compare'],
      ['Photograph', '#view=photo'],
      ['Photographs', ''],
    ] as const) {
      await page.getByRole('button', { name, exact: true }).click();
      await hash(view);
      await expect.poll(now).toBe(name);
    }
    await opened.page.context().close();
    await open('#view=summary', {}, await writeSample(await plainSample()));
    expect(await views()).toEqual(['Photographs', 'Photograph']);
    await expect.poll(now).toBe('Photographs');
  });

  test('shows the nearest where the address asks for what is not there', async () => {
    const page = await open(
      '#view=nothing&photo=999&run=-7&maker=99&theme=pink&sort=nothing&only=nothing&alpha=&metric=x',
    );
    await expect.poll(now).toBe('Photographs');
    expect(await page.locator('.thumb').count()).toBe(6);
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBeUndefined();
    await page.keyboard.press('v');
    expect(await page.getByLabel('Metric').inputValue()).toBe('deletion');
    await page.keyboard.press('s');
    await expect.poll(now).toBe('Summary');
    await page.keyboard.press('p');
    await expect.poll(now).toBe('Photograph');
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction(() => /photo=4/.test(location.hash));
  });

  test('keeps what is chosen in the address, and goes back by the browser', async () => {
    const page = await open();
    await page.getByLabel('Sort by').selectOption('name');
    await page.getByLabel('Method').selectOption('1');
    await hash('#maker=1&sort=name');
    await page.locator('.thumb a').nth(2).click();
    await page.waitForFunction(() => location.hash.includes('view=photo'));
    await expect.poll(now).toBe('Photograph');
    await page.goBack();
    await hash('#maker=1&sort=name');
    await expect.poll(now).toBe('Photographs');
    // After going back, what is no step still changes the same entry.
    await page.getByLabel('Sort by').selectOption('status');
    await hash('#maker=1&sort=status');
    await page.goForward();
    await expect.poll(now).toBe('Photograph');
    await page.goBack();
    expect(await page.getByLabel('Sort by').inputValue()).toBe('status');
    await page.reload();
    expect(await page.getByLabel('Sort by').inputValue()).toBe('status');
    expect(await page.getByLabel('Method').inputValue()).toBe('1');
  });

  test('a change that had no time to reach the address belongs to the step before', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'sort descending' }).click();
    await page.keyboard.press('s');
    await page.waitForFunction(() => location.hash.includes('view=summary'));
    await page.goBack();
    await hash('#descending=true');
  });

  test('an address that has just come is not written over by the one before it', async () => {
    const page = await open('#view=photo&photo=1');
    const address = await page.evaluate(() => {
      location.hash = '#view=summary';
      // What writes the address at rest may be first: the page hears of another one only after this.
      dispatchEvent(new Event('pagehide'));
      return location.hash;
    });
    expect(address).toBe('#view=summary');
    await expect.poll(now).toBe('Summary');
  });

  test('keys lead to the views, but not while something else takes them', async () => {
    const page = await open();
    for (const [key, name] of [
      ['p', 'Photograph'],
      ['c', 'Compare'],
      ['v', 'Curves'],
      ['s', 'Summary'],
      ['g', 'Photographs'],
      ['p', 'Photograph'],
      ['Escape', 'Photographs'],
    ] as const) {
      await page.keyboard.press(key);
      await expect.poll(now).toBe(name);
    }
    await page.getByRole('searchbox').fill('');
    await page.keyboard.type('spc?');
    await expect.poll(now).toBe('Photographs');
    expect(await page.getByRole('searchbox').inputValue()).toBe('spc?');
    expect(await page.locator('dialog[open]').count()).toBe(0);
    await page.getByRole('searchbox').fill('');
    await page.locator('main').focus();
    await page.keyboard.press('Control+s');
    await expect.poll(now).toBe('Photographs');
  });

  test('arrows go from photograph to photograph, in the order of the grid and among those that it shows', async () => {
    const page = await open('#view=photo&photo=3&sort=confidence&find=picture');
    const places: (string | null)[] = [];
    const step = async (key: string) => {
      await page.keyboard.press(key);
      places.push(await page.evaluate(() => new URLSearchParams(location.hash.slice(1)).get('photo')));
    };
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowLeft']) await step(key);
    // 4 has no confidence and is last; 0 is hidden.
    expect(places).toEqual(['2', '1', '4', '4', '1']);
    expect(await page.getByText('4 of 5', { exact: true }).count()).toBe(1);
    await page.getByRole('button', { name: 'Next photograph' }).click();
    expect(await page.getByRole('button', { name: 'Next photograph' }).isDisabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Previous photograph' }).isEnabled()).toBe(true);
  });

  test('arrows scroll a table that has the focus', async () => {
    const page = await open('#view=photo&photo=1');
    await page.locator('.scroll').first().focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.evaluate(() => location.hash)).toBe('#view=photo&photo=1');
    await page.locator('h2').first().click();
    await page.keyboard.press('ArrowRight');
    expect(await page.evaluate(() => location.hash)).toBe('#view=photo&photo=2');
  });

  test('says its keys', async () => {
    const page = await open();
    await page.keyboard.press('?');
    expect(await page.getByRole('dialog', { name: 'Keys' }).isVisible()).toBe(true);
    await page.keyboard.press('s');
    await expect.poll(now).toBe('Photographs');
    await page.keyboard.press('Escape');
    expect(await page.locator('dialog').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Keys' }).click();
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await page.locator('dialog').isVisible()).toBe(false);
  });

  test('is light or dark, as the system or as is chosen', async () => {
    const page = await open('', { theme: 'dark' });
    const dark = () =>
      page.evaluate(() => {
        const [r, g, b] = getComputedStyle(document.body)
          .backgroundColor.match(/[\d.]+/g)!
          .map(Number);
        return r! + g! + b! < 200;
      });
    expect(await dark()).toBe(true);
    await page.getByLabel('Theme').selectOption('light');
    expect(await dark()).toBe(false);
    await hash('#theme=light');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByLabel('Theme').selectOption('dark');
    expect(await dark()).toBe(true);
    await page.getByLabel('Theme').selectOption('auto');
    expect(await dark()).toBe(false);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await dark()).toBe(true);
  });

  test.each([360, 768, 1280])('is no wider than a window of %d pixels', async width => {
    const page = await open('', { width });
    for (const key of ['g', 'p', 'c', 'v', 's']) {
      await page.keyboard.press(key);
      await page.waitForTimeout(100);
      const over = await page.evaluate(() => {
        const wide = [...document.querySelectorAll('main, header, main > *, header > *')];
        const most = Math.max(...wide.map(element => element.getBoundingClientRect().right));
        return Math.max(most, document.documentElement.scrollWidth) - innerWidth;
      });
      expect({ view: await now(), over: Math.max(0, over) }).toEqual({ view: await now(), over: 0 });
    }
  });

  test('prints once the pictures out of view are drawn', async () => {
    await open('', { height: 300 }, await writeSample(await sampleReport(40)));
    const { page } = opened;
    const undrawn = () => page.locator('.map-canvas[data-drawn=false]').count();
    expect(await undrawn()).toBeGreaterThan(0);
    await page.evaluate(() => {
      globalThis.print = () => {
        document.body.dataset.printed = String(document.querySelectorAll('.map-canvas[data-drawn=false]').length);
      };
    });
    await page.getByRole('button', { name: 'Print' }).click();
    await page.waitForSelector('[data-printed]');
    expect(await page.locator('body').getAttribute('data-printed')).toBe('0');
  });

  test('on paper: light, without controls', async () => {
    const page = await open('#theme=dark');
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('nav').isVisible()).toBe(false);
    expect(await page.getByLabel('Sort by').isVisible()).toBe(false);
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)');
    const columns = await page.evaluate(
      () => getComputedStyle(document.querySelector('.thumbs')!).gridTemplateColumns.split(' ').length,
    );
    expect(columns).toBe(3);
    await page.keyboard.press('s');
    expect(await page.getByRole('table').first().isVisible()).toBe(true);
  });
});
