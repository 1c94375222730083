import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PhotoInRun } from '../../lib/report/data.ts';
import { closePage, hasBrowser, type OpenOptions, type OpenPage, openPage } from './browser.ts';
import { HOSTILE, type Sample, sampleReport, writeSample } from './sample-report.ts';

let url: string;
let opened: OpenPage;

/** The sample with a photograph of which the runs say something else. */
function withPhoto({ data, chunks }: Sample, place: number, change: (said: PhotoInRun) => PhotoInRun): Sample {
  const photos = data.photos.map((photo, i) =>
    i === place ? { ...photo, runs: photo.runs.map(said => said && change(said)) } : photo,
  );
  return { data: { ...data, photos }, chunks };
}

async function open(hash = '', options: OpenOptions = {}) {
  opened = await openPage(`${url}${hash}`, options);
  await opened.page.waitForSelector('main');
  return opened.page;
}

/** Places of the photographs, in the order of the grid. */
const places = () =>
  opened.page.locator('.thumb a').evaluateAll(links => links.map(link => Number((link as HTMLElement).dataset.photo)));
const count = () => opened.page.locator('[aria-live]').textContent();
const thumb = (place: number) => opened.page.locator(`.thumb a[data-photo="${place}"]`);

describe.skipIf(!hasBrowser)('the grid of photographs', () => {
  beforeAll(async () => {
    const sample = withPhoto(await sampleReport(), 3, said => ({
      ...said,
      predictions: [{ index: 7, label: 'tiger', probability: 0.95 }],
    }));
    url = await writeSample(sample);
  });
  afterEach(() => closePage(opened));

  test('shows each with its name, class and what is wrong', async () => {
    await open();
    expect(await places()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await count()).toBe('6 photographs');
    expect(await thumb(1).textContent()).toMatch(/picture-1\.jpg.*tabby 85\.0 %.*wrong.*warning/);
    expect(await thumb(1).locator('.chip', { hasText: 'warning' }).getAttribute('title')).toBe(
      'the preprocessing was guessed',
    );
    expect(await thumb(4).textContent()).toContain('ERR_IMAGE_INVALID');
    expect(await thumb(4).textContent()).toContain(`no picture: ${HOSTILE}`);
    expect(await thumb(0).getAttribute('title')).toBe(`photos/${HOSTILE}.jpg`);
    expect(await thumb(0).textContent()).toContain(HOSTILE);
    expect(await opened.page.locator('main img').count()).toBe(0);
    await opened.page.getByLabel('Method').selectOption({ label: 'layer-cam · smooth-grad' });
    expect(await thumb(2).locator('.chip').allTextContents()).toEqual(['zero']);
    await opened.page.getByLabel('Run').selectOption('int8.onnx');
    expect(await thumb(5).textContent()).toContain('not in this run');
  });

  test.each([
    ['wrong', [1]],
    ['correct', [0, 3]],
    ['warnings', [1]],
    ['status', [2]],
    ['failed', [4]],
    ['', [0, 1, 2, 3, 4, 5]],
  ])('leaves only what is %j', async (only, left) => {
    await open('#maker=1');
    await opened.page.getByLabel('Show').selectOption(only);
    expect(await places()).toEqual(left);
    expect(await count()).toBe(only === '' ? '6 photographs' : `${left.length} of 6 photographs`);
    const chosen = await opened.page.getByLabel('Show').locator('option:checked').textContent();
    expect(chosen).toContain(only === '' ? 'all' : `(${left.length})`);
  });

  test('leaves what has a text in its name, or a first class', async () => {
    const page = await open();
    await page.getByRole('searchbox').fill('PICTURE-2');
    expect(await places()).toEqual([2]);
    await page.getByRole('searchbox').fill('onerror=');
    expect(await places()).toEqual([0]);
    await page.getByRole('searchbox').fill('');
    await page.getByLabel(/^First class/).selectOption({ label: 'tiger (1)' });
    expect(await places()).toEqual([3]);
    await page.getByLabel('Show').selectOption('wrong');
    expect(await places()).toEqual([]);
    expect(await count()).toBe('0 of 6 photographs');
    await page.getByRole('button', { name: 'Show all' }).click();
    expect(await places()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await page.getByLabel(/^First class/).inputValue()).toBe('-1');
    expect(await page.getByLabel('Show').inputValue()).toBe('');
  });

  // Of maker 0 deletion is ((13 · photo) % 20) / 20 in the first run, insertion ((13 · photo + 3) % 20) / 20; 4 has no value and is last both ways.
  test.each([
    ['given', [0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]],
    ['name', [0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]],
    ['confidence', [5, 2, 1, 0, 3, 4], [3, 0, 1, 2, 5, 4]],
    ['status', [0, 1, 2, 3, 5, 4], [4, 0, 1, 2, 3, 5]],
    ['deletion', [0, 5, 2, 1, 3, 4], [3, 1, 2, 5, 0, 4]],
    ['insertion', [3, 0, 5, 2, 1, 4], [1, 2, 5, 0, 3, 4]],
  ])('sorts by %s, both ways', async (sort, up, down) => {
    const page = await open();
    await page.getByLabel('Sort by').selectOption(sort);
    expect(await places()).toEqual(up);
    await page.getByRole('button', { name: 'sort descending' }).click();
    expect(await places()).toEqual(down);
    await page.getByRole('button', { name: 'sort ascending' }).click();
    expect(await places()).toEqual(up);
    if (sort === 'deletion') expect(await thumb(1).textContent()).toContain('deletion 0.65');
  });

  test('sorts by the status and the metric of the method that is drawn', async () => {
    const page = await open('#maker=1&sort=status');
    expect(await places()).toEqual([0, 1, 3, 5, 2, 4]);
    await page.getByLabel('Sort by').selectOption('road');
    expect(await thumb(0).textContent()).toContain('road 0.55');
    await page.getByLabel('Method').selectOption('2');
    expect(await thumb(0).textContent()).toContain('road 0.8');
  });

  test('opens by a click, with Enter, and comes back to the same', async () => {
    const page = await open();
    await page.locator('.thumb a').first().focus();
    const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset.photo);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await focused()).toBe('2');
    await page.keyboard.press('ArrowLeft');
    expect(await focused()).toBe('1');
    await page.keyboard.press('End');
    expect(await focused()).toBe('5');
    await page.keyboard.press('ArrowRight');
    expect(await focused()).toBe('5');
    await page.keyboard.press('Home');
    expect(await focused()).toBe('0');
    // The tabulator key leads to one of all thumbnails.
    expect(await page.locator('.thumb a[tabindex="0"]').count()).toBe(1);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.hash === '#view=photo&photo=1');
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => location.hash === '#view=photo&photo=2');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.thumbs');
    expect(await focused()).toBe('2');
    await thumb(3).click();
    await page.waitForFunction(() => location.hash === '#view=photo&photo=3');
  });

  test('arrows go up and down a row', async () => {
    const page = await open('', { width: 360 });
    await thumb(0).focus();
    const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset.photo);
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe('2');
    await page.keyboard.press('ArrowUp');
    expect(await focused()).toBe('0');
    await page.setViewportSize({ width: 2400, height: 800 });
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe('0');
  });

  test('cuts a long name in its middle, and says it in full', async () => {
    const { data, chunks } = await sampleReport(3);
    const name = `photos/a/DSC_1016-${'long-'.repeat(20)}edited.jpeg`;
    const photos = data.photos.map((photo, i) => (i === 0 ? { ...photo, name } : photo));
    opened = await openPage(await writeSample({ data: { ...data, photos }, chunks }), { width: 360 });
    const { page } = opened;
    await page.waitForSelector('.thumb');
    const whole = (await thumb(0).boundingBox())!;
    const [head, tail] = await page.locator('.thumb .name').first().locator('span').all();
    expect(await head!.textContent()).toMatch(/^DSC_1016/);
    expect(await tail!.textContent()).toBe('dited.jpeg');
    const box = (await tail!.boundingBox())!;
    expect(box.x + box.width).toBeLessThan(whole.x + whole.width);
    expect(await thumb(0).getAttribute('title')).toBe(name);
    expect(await page.getByRole('link', { name }).count()).toBe(1);
  });

  test('says so where a report has none', async () => {
    const { data } = await sampleReport(2);
    const empty = await writeSample({ data: { ...data, photos: [], leftOut: 3 }, chunks: [] });
    opened = await openPage(empty);
    expect(await opened.page.locator('main').textContent()).toContain('This report has no photographs.');
    expect(await count()).toBe('0 photographs; 3 more are not in this page');
  });
});
