/** examples/browser in Chromium: the real page, model and runtime. */
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import { one } from '../helpers/explain-models.ts';
import { closePage, hasBrowser, openPage } from './browser.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
/** What the tests put into the page. */
interface Page {
  explain(picture: { readonly data: readonly number[]; readonly width: number; readonly height: number }): Promise<{
    readonly map: { readonly data: Uint8Array; readonly width: number; readonly height: number };
  }>;
}

const bundled = resolve('assets/efficientnet-lite0.onnx');
const cat = resolve('assets/pictures/cat.png');

describe.skipIf(!hasBrowser)('examples/browser', () => {
  let server: Server;
  let address: string;
  let folder: string;
  let cam: Explainer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'onnx-cam-browser-'));
    cam = await load(bundled);
    await writeFile(join(folder, 'model.onnx'), await cam.export({ preprocess: true, map: 'input', uint8: true }));
    // The folder as it is after its README's steps: packages beside it, the model in it.
    const placeOf = (path: string) => {
      if (path.startsWith('/node_modules/')) return resolve(`.${path}`);
      if (path === '/model.onnx') return join(folder, 'model.onnx');
      return path === '/model.onnx.json' ? `${bundled}.json` : resolve('examples/browser', `.${path}`);
    };
    server = createServer((request, response) => {
      const path = new URL(request.url!, 'http://page').pathname;
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
      createReadStream(placeOf(path))
        .on('error', () => response.writeHead(404).end())
        .pipe(response);
    });
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
    await cam.dispose();
    await rm(folder, { recursive: true });
  });

  const open = () => openPage(`${address}/index.html`, { allowed: url => url.startsWith(address) });

  it('shows the class of a picture that is dropped, and where the model looked', { timeout: 60_000 }, async () => {
    const opened = await open();
    const { page } = opened;
    await page.waitForSelector('input:enabled');
    const bytes = [...(await readFile(cat))];
    const dropped = await page.evaluateHandle(values => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(values)], 'cat.png', { type: 'image/png' }));
      return transfer;
    }, bytes);
    await page.dispatchEvent('#drop', 'drop', { dataTransfer: dropped });
    await page.waitForFunction(() => document.querySelector('#answer')!.textContent !== '');
    const [best] = await cam.predict(cat, { topK: 1 });
    const answer = await page.textContent('#answer');
    expect(answer).toMatch(new RegExp(`^${best!.label}, `));
    expect(Number.parseFloat(answer!.split(', ').at(-1)!)).toBeCloseTo(100 * best!.probability!, 0);
    // Redder where the map is high, bluer where it is low.
    const canvas = await page.locator('canvas').screenshot();
    const shown = await sharp(canvas).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const own = await sharp(cat).removeAlpha().resize(shown.info.width, shown.info.height).raw().toBuffer();
    const { map } = one(await cam.explain(cat, { mapSize: [shown.info.width, shown.info.height] }));
    const redder = (keep: (value: number) => boolean) => {
      let [sum, count] = [0, 0];
      map.data.forEach((value, i) => {
        if (!keep(value)) return;
        count++;
        const red = (data: Uint8Array) => data[3 * i]! - data[3 * i + 2]!;
        sum += red(shown.data) - red(own);
      });
      return sum / count;
    };
    expect(redder(value => value > 0.8)).toBeGreaterThan(30);
    expect(redder(value => value < 0.02)).toBeLessThan(-30);
    await closePage(opened);
  });

  it('computes the map of explain', { timeout: 60_000 }, async () => {
    const opened = await open();
    const { page } = opened;
    await page.waitForSelector('input:enabled');
    const { data, info } = await sharp(cat).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    const picture = { data: [...data], width: info.width, height: info.height };
    const content = "import { openModel } from './model.js'; globalThis.explain = await openModel('model.onnx');";
    await page.addScriptTag({ type: 'module', content });
    await page.waitForFunction(() => 'explain' in globalThis);
    const found = await page.evaluate(async asked => {
      const { map: own } = await (globalThis as unknown as Page).explain(asked);
      return { ...own, data: [...own.data] };
    }, picture);
    const { map } = one(await cam.explain(cat, { mapSize: 'input' }));
    expect([found.width, found.height]).toEqual([map.width, map.height]);
    const most = found.data.reduce((far: number, value, i) => Math.max(far, Math.abs(value - 255 * map.data[i]!)), 0);
    expect(most).toBeLessThan(0.51);
    await closePage(opened);
  });

  it('shows the picture that was given last, whichever is done first', { timeout: 60_000 }, async () => {
    const opened = await open();
    const { page } = opened;
    await page.waitForSelector('input:enabled');
    const large = await sharp(resolve('assets/pictures/coffee.jpg')).resize(5000, 4000).png().toBuffer();
    await page.setInputFiles('input', { name: 'large.png', mimeType: 'image/png', buffer: large });
    await page.setInputFiles('input', cat);
    await page.waitForFunction(() => document.querySelector('#answer')!.textContent !== '');
    await page.waitForTimeout(3000);
    expect(await page.textContent('#answer')).toMatch(/^Egyptian cat, /);
    await closePage(opened);
  });

  it('says what it cannot read', { timeout: 60_000 }, async () => {
    const opened = await open();
    const { page } = opened;
    await page.waitForSelector('input:enabled');
    await page.setInputFiles('input', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') });
    await page.waitForFunction(() => document.querySelector('[role=alert]')!.textContent !== '');
    expect(await page.textContent('[role=alert]')).toMatch(/^notes\.txt: /);
    await closePage(opened);
  });
});
