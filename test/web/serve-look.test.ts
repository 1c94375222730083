import { mkdtemp, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closePage, hasBrowser, openPage } from './browser.ts';
import { type FakeServe, fakeServe } from './fake-serve.ts';
import { HOSTILE } from './sample-report.ts';
import { choice, choose, closeServe, modelFile, openExplained, openServe, pictureFile, said } from './serve-page.ts';

describe.skipIf(!hasBrowser)('the page of onnx-cam serve', () => {
  let fake: FakeServe;
  beforeEach(async () => {
    fake = await fakeServe();
  });
  afterEach(() => fake.close());

  test('saves all explanations as a report that opens from a disk, even when the server is gone', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    await choose(page, await pictureFile('dog.png', 9), await pictureFile('never-explained.png', 200));
    await page.getByRole('button', { name: 'never-explained.png', exact: true }).waitFor();
    await choice(page, 'Method').selectOption('LayerCAM');
    await said(page, 'LayerCAM for tabby');
    await choose(page, modelFile(`${HOSTILE.replace('/', '')}.onnx`));
    await page.getByRole('radio').nth(1).waitFor();
    await said(page, 'LayerCAM for tabby');
    await fake.close();
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save report' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('onnx-cam-report.html');
    const path = join(await mkdtemp(join(tmpdir(), 'onnx-cam-saved-')), 'report.html');
    await download.saveAs(path);
    await closeServe(opened);
    expect((await stat(path)).size).toBeLessThan(1e6);
    const saved = await openPage(`${pathToFileURL(path).href}#view=photo&photo=1&maker=1`);
    await saved.page.getByRole('heading', { name: 'dog.png' }).waitFor();
    await saved.page.getByRole('heading', { name: 'layer-cam for tabby' }).waitFor();
    await saved.page.locator('.inspector[data-drawn=true]').waitFor();
    await saved.page.getByText('2 of 2').waitFor();
    expect(await saved.page.getByRole('combobox', { name: 'Run' }).locator('option').count()).toBe(2);
    await closePage(saved);
  });

  test('where browsers have no hashes it says why no report is saved', async () => {
    const opened = await openServe(fake);
    const { page } = opened;
    await page.evaluate(() => Object.defineProperty(globalThis, 'isSecureContext', { value: false }));
    await choose(page, modelFile(), await pictureFile());
    await said(page, 'for tabby');
    await page.getByRole('button', { name: 'Save report' }).click();
    await page.getByText('open this page at 127.0.0.1').waitFor();
    await page.getByRole('button', { name: 'Dismiss Save report' }).click();
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    await closeServe(opened);
  });

  test('works by keyboard alone', async () => {
    const opened = await openServe(fake);
    const { page } = opened;
    const choosing = page.waitForEvent('filechooser');
    await tabTo(page, 'Choose files…');
    await page.keyboard.press('Enter');
    await (await choosing).setFiles([modelFile(), await pictureFile('a.png'), await pictureFile('b.png', 9)]);
    await page.getByRole('button', { name: 'b.png', exact: true }).waitFor();
    await said(page, 'Grad-CAM for tabby');
    await tabTo(page, 'Method');
    await page.keyboard.press('ArrowDown');
    await said(page, 'LayerCAM for tabby');
    await tabTo(page, 'Class');
    await page.keyboard.type('tench');
    await page.keyboard.press('Enter');
    await said(page, 'LayerCAM for tench');
    await tabTo(page, 'b.png');
    await page.keyboard.press('Space');
    await page.getByRole('heading', { name: 'b.png' }).waitFor();
    await said(page, 'LayerCAM for tench');
    await tabTo(page, 'Remove b.png');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    expect(fake.pictures.length).toBe(2);
    await closeServe(opened);
  });

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)('is accessible and never wider than the window: %s, %i pixels', async (theme, width) => {
    const opened = await openServe(fake, { theme, width });
    const { page } = opened;
    const look = async (state: string) => {
      expect(await page.evaluate(() => document.documentElement.scrollWidth), state).toBeLessThanOrEqual(width);
      expect(await severe(page), state).toEqual([]);
    };
    await look('empty');
    const long = 'a-model-with-a-name-that-is-longer-than-a-narrow-window-has-room-for-and-without-a-space.onnx';
    await choose(page, modelFile(long), await pictureFile(), await pictureFile(`${'x'.repeat(120)}.png`, 9));
    await said(page, 'for tabby');
    await page.locator('.inspector[data-drawn=true]').waitFor();
    await page.getByText('The same as a command').click();
    await page.getByText('1 method that this model has not').click();
    await look('explained');
    fake.explain = async (_, send) => {
      send({ type: 'progress', done: 1, total: 9 });
      await new Promise(() => {});
    };
    await choice(page, 'Method').selectOption('Score-CAM');
    await said(page, '1 of 9');
    await look('running');
    fake.explain = (_, send) => send({ type: 'error', code: 'ERR_NO_GRADIENT', message: 'no'.repeat(200) });
    await choice(page, 'Method').selectOption('LayerCAM');
    await said(page, 'ERR_NO_GRADIENT');
    await choose(page, modelFile('labels.txt'));
    await look('failed');
    await closeServe(opened);
  });
});

let axe: Promise<string> | undefined;

async function severe(page: Page): Promise<unknown[]> {
  await page.evaluate(await (axe ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')));
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

/** Presses the tabulator key until what has this name has the focus, which is to be seen. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      const label = element.closest('label')?.querySelector('.caption')?.textContent;
      const { outlineStyle } = getComputedStyle(element);
      return {
        name: element.getAttribute('aria-label') ?? label ?? element.textContent,
        isSeen: outlineStyle !== 'none',
      };
    });
    if (focused.name?.trim() !== name) continue;
    expect(focused.isSeen, `${name} shows that it has the focus`).toBe(true);
    return;
  }
  throw new Error(`the tabulator key does not lead to ${name}`);
}
