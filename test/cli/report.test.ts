import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import * as library from '../../lib/index.ts';
import type { ReportData } from '../../lib/report/data.ts';
import { residualModel } from '../helpers/small-models.ts';
import { closePage, hasBrowser, openPage } from '../web/browser.ts';
import { type Outcome, readJson, runHere, temporaryFolder } from './harness.ts';

let folder: string;
let model: string;

beforeEach(async () => {
  folder = temporaryFolder();
  model = join(folder, 'model.onnx');
  writeFileSync(model, residualModel());
  for (const [i, name] of ['a.png', '<img src=x onerror=alert(1)>.png'].entries()) await picture(name, i);
});

/** Noise, so that maps are no constants. */
async function picture(name: string, seed: number): Promise<void> {
  const [width, height] = [40, 30];
  const data = Buffer.from(Array.from({ length: 3 * width * height }, (_, i) => (i * (31 + 2 * seed) ** 2) % 251));
  await sharp(data, { raw: { width, height, channels: 3 } }).toFile(join(folder, name));
}

const run = (...argv: string[]): Promise<Outcome> => runHere(argv, { library: library as never });
const pictures = () =>
  readdirSync(folder)
    .filter(name => name.endsWith('.png'))
    .map(name => join(folder, name));
const explain = (out: string, ...more: string[]) =>
  run('explain', model, ...pictures(), '-o', join(folder, out), ...more);

function dataOf(path: string): ReportData {
  const html = readFileSync(path, 'utf8');
  return JSON.parse(/<script type="application\/json" id="report">(.*)<\/script>/.exec(html)![1]!);
}

describe('explain --report', () => {
  it('writes a page of all results, and says where', async () => {
    const { code, stderr } = await explain(
      'out',
      '-m',
      'grad-cam,layer-cam',
      '-t',
      'top2',
      '--report',
      '--save',
      'overlay',
    );
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/8 results; see .*out\/index\.html\n$/),
    });
    const { runs, photos } = dataOf(join(folder, 'out/index.html'));
    expect(runs).toMatchObject([{ name: 'out', makers: [{ method: 'grad-cam' }, { method: 'layer-cam' }] }]);
    expect(photos.map(({ width, height, runs: [said] }) => [width, height, said!.results.length])).toEqual([
      [40, 30, 4],
      [40, 30, 4],
    ]);
    // The page is made of the maps, which are saved with it.
    expect(readdirSync(join(folder, 'out')).filter(name => name.endsWith('.map.npy'))).toHaveLength(8);
    expect(existsSync(join(folder, 'out/manifest.json'))).toBe(true);
  });

  it('has the failed inputs in it, with exit code 1', async () => {
    writeFileSync(join(folder, 'broken.png'), 'no picture');
    const { code } = await explain('out', '--report');
    expect(code).toBe(1);
    const { photos } = dataOf(join(folder, 'out/index.html'));
    const failed = photos.filter(({ runs: [said] }) => said!.error);
    expect(failed.map(({ name }) => name)).toEqual([join(folder, 'broken.png')]);
  });

  it('tells a page that cannot be written, and keeps the rest', async () => {
    await explain('out');
    rmSync(join(folder, 'out/index.html'), { force: true });
    mkdirSync(join(folder, 'out/index.html'));
    const { code, stderr } = await explain('out', '--report');
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_OUTPUT') });
    expect(readJson(join(folder, 'out/manifest.json')).results).toHaveLength(2);
  });
});

describe('report', () => {
  it('makes the page of a folder that has none', async () => {
    await explain('out');
    const { code, stdout, stderr } = await run('report', join(folder, 'out'));
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: `see ${join(folder, 'out/index.html')}\n`,
    });
    expect(dataOf(join(folder, 'out/index.html')).photos).toHaveLength(2);
  });

  it('shows two folders side by side, in a file of any name', async () => {
    await explain('one');
    await explain('two', '-m', 'layer-cam', '-l', '-2');
    const file = join(folder, 'pages/both.html');
    expect((await run('report', join(folder, 'one'), join(folder, 'two'), '-o', file)).code).toBe(0);
    const { runs, photos } = dataOf(file);
    expect(runs.map(({ name }) => name)).toEqual(['one', 'two']);
    expect(photos).toHaveLength(2);
    for (const { runs } of photos) expect(runs.map(said => said!.results.map(({ map }) => map))).toEqual([[0], [1]]);
  });

  it('tells once what is gone, and shows the rest', async () => {
    await explain('out');
    rmSync(join(folder, 'a.png'));
    rmSync(join(folder, 'out/a.grad-cam.map.npy'));
    const { code, stderr } = await run('report', join(folder, 'out'));
    expect(code).toBe(0);
    expect(stderr).toContain('not in the report, since they are gone: the picture');
    expect(stderr).toContain('the map of');
  });

  it.each([
    ['a folder that is not there', ['gone'], /ERR_OPTION_INVALID: there is no folder/],
    ['a folder that no command wrote', ['.'], /ERR_OPTION_INVALID: there is no manifest\.json/],
    ['no folder', [], /ERR_USAGE/],
  ])('refuses %s', async (_, folders, message) => {
    const { code, stderr } = await run('report', ...folders.map(name => join(folder, name)));
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });

  it.skipIf(!hasBrowser)('makes pages that open from a disk without a fault', async () => {
    await explain('out', '-m', 'grad-cam,eigen-cam', '--report');
    const opened = await openPage(pathToFileURL(join(folder, 'out/index.html')).href);
    const { page } = opened;
    await page.locator('.thumb .map-canvas[data-drawn=true]').nth(1).waitFor();
    await page.getByText('<img src=x').first().waitFor();
    await page.locator('.thumb a').first().click();
    await page.locator('.inspector[data-drawn=true]').waitFor();
    await closePage(opened);
  });
});
