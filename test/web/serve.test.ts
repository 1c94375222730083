import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasBrowser } from './browser.ts';
import { explanationOf, type FakeServe, fakeServe } from './fake-serve.ts';
import { HOSTILE } from './sample-report.ts';
import {
  choice,
  choose,
  closeServe,
  drop,
  modelFile,
  openExplained,
  openServe,
  pictureFile,
  said,
} from './serve-page.ts';

describe.skipIf(!hasBrowser)('the page of onnx-cam serve', () => {
  let fake: FakeServe;
  beforeEach(async () => {
    fake = await fakeServe();
  });
  afterEach(() => fake.close());

  test('a model and a picture that are dropped are explained by themselves', async () => {
    const opened = await openServe(fake);
    const { page } = opened;
    await drop(page, [modelFile(), modelFile('labels.txt'), await pictureFile()]);
    await said(page, 'Grad-CAM for tabby in 37 ms');
    await page.locator('.inspector[data-drawn=true]').waitFor();
    expect(fake.uploads).toEqual([['net.onnx', 'labels.txt'], ['cat.png']]);
    expect(fake.asked).toEqual([{ model: 'm0', picture: 'p1', method: 'grad-cam', target: 'top1' }]);
    await expect.poll(() => page.locator('.drop-cover').count()).toBe(0);
    await closeServe(opened);
  });

  test('each choice is asked for, and stands in the address', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    await choice(page, 'Method').selectOption('Score-CAM');
    await said(page, 'Score-CAM for tabby');
    await choice(page, 'Layer').selectOption({ index: 1 });
    await expect.poll(() => fake.asked.length).toBe(3);
    await said(page, 'Score-CAM for tabby');
    await choice(page, 'Technique').selectOption('SmoothGrad');
    await expect.poll(() => fake.asked.length).toBe(4);
    await said(page, 'Score-CAM for tabby');
    await page.getByLabel('Class', { exact: true }).fill('tench');
    await page.keyboard.press('Enter');
    await said(page, 'Score-CAM for tench');
    expect(fake.asked.at(-1)).toEqual({
      model: 'm0',
      picture: 'p1',
      method: 'score-cam',
      layer: 'features.3',
      target: 'tench',
      technique: 'smooth-grad',
    });
    await expect
      .poll(() => new URL(page.url()).hash)
      .toMatch(/askMethod=score-cam.*askLayer=features\.3.*askTarget=tench.*askTechnique=smooth-grad/);
    // The page that is loaded again asks for the same.
    await page.reload();
    await said(page, 'Score-CAM for tench');
    expect(fake.asked.at(-1)).toEqual(fake.asked.at(-2));
    await closeServe(opened);
  });

  test('the automatic layer says why, a method that the model has not too', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    expect(await choice(page, 'Layer').locator('option').allTextContents()).toEqual([
      'automatic: features.12 · Conv 1×1280×7×7',
      'features.3 · Conv 1×24×56×56',
    ]);
    await page.getByText('the last one with positions').waitFor();
    const methods = choice(page, 'Method');
    expect(await methods.locator('optgroup').evaluateAll(all => all.map(one => one.getAttribute('label')))).toEqual([
      'gradients',
      'scores',
      'attention',
    ]);
    expect(await methods.locator('option:disabled').allTextContents()).toEqual(['Attention Rollout']);
    await page.getByText('1 method that this model has not').click();
    await page.getByText(`no attention ${HOSTILE}`).waitFor();
    await closeServe(opened);
  });

  test('classes: suggestions, three at once, those that the model sees', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    const field = page.getByLabel('Class', { exact: true });
    const offered = () =>
      page
        .locator('datalist option')
        .evaluateAll(all => all.map(one => [(one as HTMLOptionElement).value, (one as HTMLOptionElement).label]));
    await field.fill('crane');
    // Of two classes with a name each is asked for by its index.
    expect(await offered()).toEqual([
      ['2', 'crane'],
      ['3', 'crane'],
    ]);
    await field.fill('img');
    expect(await offered()).toEqual([[HOSTILE, 'class 4']]);
    await field.fill('top3');
    await page.keyboard.press('Enter');
    await said(page, `Grad-CAM for tabby, tench, ${HOSTILE}`);
    expect(await page.locator('.result-table thead th').count()).toBe(4);
    await page
      .getByRole('list', { name: 'Classes that the model sees' })
      .getByRole('button', { name: 'tench' })
      .click();
    await said(page, /Grad-CAM for tench/);
    expect(await field.inputValue()).toBe('0');
    await field.fill('');
    await page.keyboard.press('Enter');
    await expect.poll(() => field.inputValue()).toBe('top1');
    await closeServe(opened);
  });

  test('what was explained stays: it is shown again without asking, and compared', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    const method = choice(page, 'Method');
    await method.selectOption('LayerCAM');
    await said(page, 'LayerCAM for tabby');
    await method.selectOption('Grad-CAM');
    await said(page, 'Grad-CAM for tabby');
    expect(fake.asked.length).toBe(2);
    // Picked out in the table of all maps: the choice follows.
    await page.getByRole('button', { name: 'layer-cam for tabby' }).click();
    await said(page, 'LayerCAM for tabby');
    expect(await method.inputValue()).toBe('layer-cam');
    expect(fake.asked.length).toBe(2);
    await choose(page, modelFile('other.onnx'));
    await expect.poll(() => fake.asked.length).toBe(3);
    await said(page, 'LayerCAM for tabby');
    expect(fake.asked.at(-1)!.model).toBe('m2');
    await page.getByRole('button', { name: 'Compare' }).click();
    const right = page.getByRole('region', { name: 'Right' });
    await right.getByRole('combobox', { name: 'Run' }).selectOption('net.onnx');
    await right.locator('.inspector[data-drawn=true]').waitFor();
    await page.getByRole('region', { name: 'Left' }).getByText('layer-cam for tabby').waitFor();
    await closeServe(opened);
  });

  test('a name and a label that are HTML are text', async () => {
    const opened = await openServe(fake);
    const { page } = opened;
    const name = '<img src=x onerror=alert(1)>';
    await choose(page, modelFile(`${name}.onnx`), await pictureFile(`${name}.png`));
    await said(page, 'for tabby');
    await page.getByLabel('Class', { exact: true }).fill(HOSTILE);
    await page.keyboard.press('Enter');
    await said(page, `Grad-CAM for ${HOSTILE}`);
    await page.getByRole('radio', { name: `${name}.onnx` }).waitFor();
    await page.getByRole('heading', { name: `${name}.png` }).waitFor();
    expect(await page.locator('img[src=x]').count()).toBe(0);
    await closeServe(opened);
  });

  test('several pictures at once: the first is looked at, arrows go on', async () => {
    const opened = await openServe(fake);
    const { page } = opened;
    await choose(
      page,
      modelFile(),
      await pictureFile('a.png'),
      await pictureFile('b.png', 10),
      await pictureFile('c.png', 250),
    );
    await page.getByRole('button', { name: 'c.png', exact: true }).waitFor();
    await said(page, 'for tabby');
    await page.getByRole('heading', { name: 'a.png' }).waitFor();
    await page.getByRole('heading', { name: 'a.png' }).click();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('heading', { name: 'b.png' }).waitFor();
    await expect.poll(() => fake.asked.at(-1)!.picture).toBe('p2');
    await page.getByRole('button', { name: 'c.png', exact: true }).click();
    await expect.poll(() => fake.asked.at(-1)!.picture).toBe('p3');
    await page.getByRole('heading', { name: 'c.png' }).waitFor();
    await closeServe(opened);
  });

  test('what is removed takes its explanations along, after it was asked', async () => {
    const opened = await openServe(fake);
    const { page } = opened;
    await choose(page, modelFile(), await pictureFile('a.png'), await pictureFile('b.png', 10));
    await said(page, 'for tabby');
    await page.getByRole('button', { name: 'Remove b.png' }).click();
    await expect.poll(() => fake.pictures.length).toBe(1);
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Remove net.onnx' }).click();
    await dialog.getByText('1 explanation of it').waitFor();
    await dialog.getByRole('button', { name: 'Keep' }).click();
    expect(fake.models.length).toBe(1);
    await page.getByText('1 map on this page').waitFor();
    await page.getByRole('button', { name: 'Remove net.onnx' }).click();
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
    await said(page, 'Drop a model');
    expect(fake.models.length).toBe(0);
    expect(await page.getByRole('button', { name: 'Save report' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Remove a.png' }).click();
    await page.getByText('anywhere on this page').waitFor();
    await closeServe(opened);
  });

  test('the command and the program are copied', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByText('The same as a command').click();
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    await page.getByRole('button', { name: 'Copy it: as a command' }).click();
    await page.getByText('As a command: copied').waitFor({ state: 'attached' });
    expect(await clipboard()).toBe(explanationOf(fake.asked[0]!).command);
    // Pages of other machines without https have no clipboard of their own.
    await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true }));
    await page.getByRole('button', { name: 'Copy it: as a program' }).click();
    await page.getByText('As a program: copied').waitFor({ state: 'attached' });
    await page.evaluate(() => Reflect.deleteProperty(navigator, 'clipboard'));
    expect(await clipboard()).toBe(explanationOf(fake.asked[0]!).program);
    await closeServe(opened);
  });
});
