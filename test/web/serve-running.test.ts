import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasBrowser } from './browser.ts';
import { explanationOf, type FakeServe, fakeModel, fakeServe } from './fake-serve.ts';
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
  status,
} from './serve-page.ts';

const ANSWERED = /status of 4\d\d/;
const REFUSED = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED/;

describe.skipIf(!hasBrowser)('the page of onnx-cam serve while it works, and where that fails', () => {
  let fake: FakeServe;
  beforeEach(async () => {
    fake = await fakeServe();
  });
  afterEach(() => fake.close());

  const never = () => new Promise<void>(() => {});

  test('a slow method says how far it is; what is shown is marked; it is stopped and begun again', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    let finish = () => {};
    fake.explain = async (request, send) => {
      send({ type: 'waiting', before: 2 });
      await new Promise<void>(resolve => {
        finish = resolve;
      });
      send({ type: 'progress', done: 12, total: 40 });
      await new Promise<void>(resolve => {
        finish = resolve;
      });
      send(explanationOf(request));
    };
    await choice(page, 'Method').selectOption('Score-CAM');
    await said(page, 'Waits: 2 explanations of this model come first');
    await said(page, 'the map shown was made before');
    await page.locator('.shown.old .inspector[data-drawn=true]').waitFor();
    finish();
    await said(page, '12 of 40');
    expect(
      await status(page)
        .getByRole('progressbar')
        .evaluate(bar => (bar as HTMLProgressElement).position),
    ).toBe(0.3);
    await status(page).getByRole('button', { name: 'Stop' }).click();
    await said(page, 'Stopped.');
    await expect.poll(() => fake.stopped).toBe(1);
    await status(page).getByRole('button', { name: 'Explain' }).click();
    await said(page, 'Waits');
    finish();
    await said(page, '12 of 40');
    finish();
    await said(page, 'Score-CAM for tabby');
    expect(await page.locator('.shown.old').count()).toBe(0);
    await closeServe(opened);
  });

  test('another choice stops the one before; holding a key asks once', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    fake.explain = never;
    await choice(page, 'Method').selectOption('Score-CAM');
    await expect.poll(() => fake.asked.length).toBe(2);
    fake.explain = (request, send) => send(explanationOf(request));
    await choice(page, 'Method').selectOption('LayerCAM');
    await said(page, 'LayerCAM for tabby');
    expect(fake.stopped).toBe(1);
    await choice(page, 'Technique').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await said(page, 'LayerCAM for tabby');
    expect(fake.asked.map(({ method, technique }) => [method, technique])).toEqual([
      ['grad-cam', undefined],
      ['score-cam', undefined],
      ['layer-cam', undefined],
      ['layer-cam', 'smooth-grad'],
    ]);
    await closeServe(opened);
  });

  test('while something runs an older map is looked at and nothing is stopped', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    await choice(page, 'Method').selectOption('LayerCAM');
    await said(page, 'LayerCAM for tabby');
    fake.explain = never;
    await choice(page, 'Method').selectOption('Score-CAM');
    await expect.poll(() => fake.asked.length).toBe(3);
    await page.getByRole('button', { name: 'grad-cam for tabby' }).click();
    await page.getByRole('heading', { name: 'grad-cam for tabby' }).waitFor();
    await said(page, 'Score-CAM of cat.png');
    expect(fake.stopped).toBe(0);
    await closeServe(opened);
  });

  test('an explanation that fails says why, and is tried again or put by', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    fake.explain = (_, send) => send({ type: 'error', code: 'ERR_NO_GRADIENT', message: 'Floor has no derivative' });
    await choice(page, 'Method').selectOption('LayerCAM');
    await said(page, 'LayerCAM of cat.png: Floor has no derivative ERR_NO_GRADIENT');
    await said(page, 'the map shown was made before');
    await status(page).getByRole('button', { name: 'Dismiss' }).click();
    await said(page, 'Stopped.');
    await status(page).getByRole('button', { name: 'Explain' }).click();
    await said(page, 'ERR_NO_GRADIENT');
    fake.explain = (request, send) => send(explanationOf(request));
    await status(page).getByRole('button', { name: 'Try again' }).click();
    await said(page, 'LayerCAM for tabby');
    await closeServe(opened);
  });

  test('uploads that are refused say so where they belong', async () => {
    const opened = await openServe(fake);
    const { page } = opened;
    await choose(page, modelFile('bad.onnx', 'bad'), { ...modelFile('bad.png', 'bad'), mimeType: 'image/png' });
    await page
      .getByRole('list', { name: 'Models on their way' })
      .getByText('bad.onnx is none ERR_MODEL_INVALID')
      .waitFor();
    await page
      .getByRole('list', { name: 'Pictures on their way' })
      .getByText('bad.png is none ERR_IMAGE_INVALID')
      .waitFor();
    await page.getByRole('button', { name: 'Dismiss bad.onnx' }).click();
    await page.getByRole('button', { name: 'Dismiss bad.png' }).click();
    await page.getByText('anywhere on this page').waitFor();
    await choose(page, modelFile('labels.txt'));
    await page.getByText('labels.txt: this goes with a model').waitFor();
    await closeServe(opened, [ANSWERED]);
  });

  test('an upload waits, is stopped, and what is too large is not sent', async () => {
    fake.limits = { model: 1000, picture: 1e7 };
    const opened = await openServe(fake);
    const { page } = opened;
    await choose(page, modelFile('huge.onnx', 'x'.repeat(1001)));
    await page.getByText('huge.onnx: 1 kB are more than the server takes, 1 kB').waitFor();
    expect(fake.uploads).toEqual([]);
    await page.getByRole('button', { name: 'Dismiss huge.onnx' }).click();
    let finish = () => {};
    fake.beforeUpload = () =>
      new Promise<void>(resolve => {
        finish = resolve;
      });
    await drop(page, [modelFile('first.onnx'), modelFile('second.onnx'), modelFile('third.onnx')]);
    const way = page.getByRole('list', { name: 'Models on their way' });
    await way.getByText('is being read').waitFor();
    expect(await way.getByText('waits').count()).toBe(2);
    await page.getByRole('button', { name: 'Stop second.onnx' }).click();
    await page.getByRole('button', { name: 'Stop first.onnx' }).click();
    await expect.poll(() => fake.uploads.map(([name]) => name)).toEqual(['first.onnx', 'third.onnx']);
    await way.getByText('is being read').waitFor();
    finish();
    await page.getByRole('radio', { name: 'third.onnx' }).waitFor();
    expect(await page.getByRole('radio').count()).toBe(1);
    await closeServe(opened);
  });

  test('an upload says how much of it has gone', async () => {
    const opened = await openServe(fake);
    const { page } = opened;
    const network = await page.context().newCDPSession(page);
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 300_000 };
    await network.send('Network.emulateNetworkConditions', slow);
    await choose(page, modelFile('large.onnx', 'x'.repeat(1_000_000)));
    await page.getByText(/^\d+(\.\d+)? kB of 1 MB$/).waitFor();
    const bar = page.getByRole('progressbar', { name: 'large.onnx on its way' });
    await expect
      .poll(() => bar.evaluate(({ position }: HTMLProgressElement) => position > 0 && position < 1), { interval: 20 })
      .toBe(true);
    await page.getByRole('radio', { name: 'large.onnx' }).waitFor();
    await closeServe(opened);
  });

  test('an upload that breaks off is sent again', async () => {
    const opened = await openServe(fake);
    const { page } = opened;
    await fake.close();
    await choose(page, modelFile());
    await page.getByText('net.onnx: the server does not answer').waitFor();
    const back = await fakeServe(Number(new URL(fake.url).port));
    await page.getByRole('list', { name: 'Models on their way' }).getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('radio', { name: 'net.onnx' }).waitFor();
    expect(await page.getByText('The server does not answer.').count()).toBe(0);
    await closeServe(opened, [REFUSED]);
    await back.close();
  });

  test('another model that has not the method says why, and asks nothing', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    await choice(page, 'Method').selectOption('Score-CAM');
    await said(page, 'Score-CAM for tabby');
    const other = fakeModel('other', 'other.onnx');
    const methods = other.methods.map(one =>
      one.name === 'score-cam' ? { ...one, refused: 'its input is no picture' } : one,
    );
    fake.models.push({ ...other, methods });
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.getByRole('radio', { name: 'other.onnx' }).click();
    await said(page, 'other.onnx has no Score-CAM: its input is no picture. Choose another method.');
    expect(fake.asked.length).toBe(2);
    await choice(page, 'Method').selectOption('LayerCAM');
    await said(page, 'LayerCAM for tabby');
    expect(fake.asked.at(-1)!.model).toBe('other');
    await closeServe(opened);
  });

  test('a server that goes is said, what was made stays, and it goes on when it is back', async () => {
    const opened = await openExplained(fake);
    const { page } = opened;
    let asked = () => {};
    const isAsked = new Promise<void>(resolve => {
      asked = resolve;
    });
    fake.explain = async (_, send) => {
      send({ type: 'progress', done: 1, total: 9 });
      asked();
      await never();
    };
    await choice(page, 'Method').selectOption('Score-CAM');
    await isAsked;
    await said(page, '1 of 9');
    await fake.close();
    await page.getByText('The server does not answer.').waitFor();
    await page.locator('.inspector[data-drawn=true]').waitFor();
    const again = page.getByRole('button', { name: 'Try again' });
    await again.click();
    await expect.poll(() => again.isEnabled()).toBe(true);
    const back = await fakeServe(Number(new URL(fake.url).port));
    back.models.push(...fake.models);
    back.pictures.push(...fake.pictures);
    await again.click();
    await said(page, 'Score-CAM for tabby');
    expect(await page.getByText('The server does not answer.').count()).toBe(0);
    await closeServe(opened, [REFUSED]);
    await back.close();
  });

  test('an address with another token says what to do', async () => {
    const opened = await openServe({ url: fake.url.replace('a-token', 'an-old-one') });
    await opened.page.getByText('open the address that it printed').waitFor();
    await closeServe(opened, [ANSWERED]);
  });

  test('two tabs: what one brings and removes the other sees', async () => {
    const first = await openExplained(fake);
    const second = await openServe(fake);
    await said(second.page, 'Grad-CAM for tabby');
    await choose(second.page, await pictureFile('dog.png', 9));
    await second.page.getByRole('heading', { name: 'dog.png' }).waitFor();
    const seen = () => first.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await seen();
    await first.page.getByRole('button', { name: 'dog.png', exact: true }).waitFor();
    await first.page.getByRole('heading', { name: 'cat.png' }).waitFor();
    await second.page.getByRole('button', { name: 'Remove cat.png' }).click();
    await second.page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await expect.poll(() => fake.pictures.length).toBe(1);
    await seen();
    await first.page.getByRole('heading', { name: 'dog.png' }).waitFor();
    await said(first.page, 'for tabby');
    await closeServe(first);
    await closeServe(second);
  });
});
