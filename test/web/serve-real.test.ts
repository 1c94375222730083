import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Server, startServer } from '../../lib/serve/server.ts';
import { hasBrowser } from './browser.ts';
import { choice, choose, closeServe, modelFile, openServe, said, status } from './serve-page.ts';

const ASSETS = new URL('../../assets/', import.meta.url);
const asset = async (name: string, mimeType: string) => ({
  name: name.split('/').at(-1)!,
  mimeType,
  buffer: await readFile(new URL(name, ASSETS)),
});

describe.skipIf(!hasBrowser)('the page with the server of onnx-cam serve', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ host: '127.0.0.1', port: 0, signal: new AbortController().signal });
  });
  afterAll(() => server.close());

  test('the bundled model and picture: dropped, explained, slow methods stopped, errors of both told', async () => {
    const opened = await openServe({ url: server.address });
    const { page } = opened;
    const [picture] = (await readdir(new URL('pictures/', ASSETS))).filter(name => /\.(jpe?g|png|webp)$/.test(name));
    await choose(
      page,
      await asset('efficientnet-lite0.onnx', 'application/octet-stream'),
      await asset('efficientnet-lite0.onnx.json', 'application/json'),
      await asset(`pictures/${picture}`, 'image/jpeg'),
    );
    await said(page, /Grad-CAM for .+ in \d/);
    await page.locator('.inspector[data-drawn=true]').waitFor();
    await choice(page, 'Method').selectOption('Score-CAM');
    await said(page, /\d+ of \d+/);
    await status(page).getByRole('button', { name: 'Stop' }).click();
    await said(page, 'Stopped.');
    await choice(page, 'Method').selectOption('LayerCAM');
    await said(page, /LayerCAM for .+ in \d/);
    await page.getByRole('combobox', { name: 'Class' }).fill('no such class');
    await page.keyboard.press('Enter');
    await said(page, 'ERR_TARGET_UNKNOWN');
    await choose(page, modelFile('text.onnx', 'this is no model'));
    await page.getByText('ERR_MODEL_INVALID').waitFor();
    expect(await page.getByRole('radio').count()).toBe(1);
    await page.getByText('The same as a command').click();
    await page.locator('pre', { hasText: 'onnx-cam explain' }).waitFor();
    await page.screenshot({ path: '/tmp/shots/servefront/real.png', fullPage: true });
    await closeServe(opened, [/status of 4\d\d/]);
  });
});
