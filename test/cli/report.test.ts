import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import * as library from '../../lib/index.ts';
import { formatNpy, readNpy } from '../../lib/io/npy.ts';
import type { PhotoInRun, ReportData } from '../../lib/report/data.ts';
import type { PhotoPayload } from '../../lib/report/payload.ts';
import { noise } from '../helpers/model-builder.ts';
import { residualModel } from '../helpers/small-models.ts';
import { enlarged, largest } from '../report/enlarged.ts';
import { closePage, hasBrowser, openPage } from '../web/browser.ts';
import { HOSTILE } from '../web/sample-report.ts';
import { makePicture, readManifest, runHere, temporaryFolder, workInTemporaryFolder } from './harness.ts';

const model = residualModel();
const run = (...argv: string[]) => runHere(argv, { library });

beforeEach(async () => {
  workInTemporaryFolder();
  writeFileSync('model.onnx', model);
  await makePicture('a.png', 24, 20);
  await makePicture('b.png', 40, 16);
});

function writeManifest(folder: string, { run, results }: { run: object; results: readonly object[] }): void {
  const lines = [{ run }, ...results].map(line => `${JSON.stringify(line)}\n`);
  writeFileSync(join(folder, 'manifest.jsonl'), lines.join(''));
}

/** What a page says, and the first of its chunks. */
function pageOf(path: string) {
  const html = readFileSync(path, 'utf8');
  const json = (id: string) =>
    JSON.parse(new RegExp(`<script type="application/json" id="${id}">(.*)</script>`).exec(html)?.[1] ?? '[]');
  return { html, data: json('report') as ReportData, payloads: json('photos-0') as PhotoPayload[] };
}

const runsOf = ({ data }: ReturnType<typeof pageOf>, run = 0): (PhotoInRun | null)[] =>
  data.photos.map(({ runs }) => runs[run]!);

describe('explain --report', () => {
  it('writes one page of all pictures, methods and classes, and says where', async () => {
    const methods = ['-m', 'grad-cam,hirescam', '-t', 'top2'];
    const { code, stderr } = await run('explain', 'model.onnx', 'a.png', 'b.png', ...methods, '--report', '-o', 'out');
    expect(code).toBe(0);
    expect(stderr).toContain(`8 results; see ${join('out', 'index.html')}`);
    const page = pageOf('out/index.html');
    expect(page.data.runs).toMatchObject([{ name: 'out', model: { path: 'model.onnx' }, summary: null }]);
    expect(page.data.runs[0]!.makers.map(({ method }) => method)).toEqual(['grad-cam', 'hirescam']);
    expect(page.data.photos).toMatchObject([
      { name: 'a.png', width: 24, height: 20 },
      { name: 'b.png', width: 40, height: 16 },
    ]);
    const recorded = readManifest('out').results;
    for (const [i, said] of runsOf(page).entries()) {
      expect(said).toMatchObject({ error: null, correct: null });
      expect(said!.results.map(({ maker, target }) => [maker, target.index])).toEqual(
        recorded.slice(4 * i, 4 * i + 4).map((line: Line) => [line.method === 'grad-cam' ? 0 : 1, line.target.index]),
      );
      expect(page.payloads[i]!.picture).toMatchObject({ type: 'image/webp' });
    }
    for (const [i, said] of runsOf(page).entries())
      for (const [j, { map, status }] of said!.results.entries()) {
        if (status !== 'ok') continue;
        const { data, dims } = await readNpy(join('out', recorded[4 * i + j].files.map));
        const small = page.payloads[i]!.maps[map!]!;
        expect(largest(enlarged(small, dims[1]!, dims[0]!), data)).toBeLessThan(3.1 / 255);
      }
  });

  it('saves the maps that it needs, whatever --save says', async () => {
    await run('explain', 'model.onnx', 'a.png', '--save', 'overlay', '--report', '-o', 'out');
    expect(readdirSync('out').sort()).toEqual([
      'a.grad-cam.map.npy',
      'a.grad-cam.overlay.png',
      'index.html',
      'manifest.jsonl',
    ]);
  });

  it('has inputs that failed, with why', async () => {
    writeFileSync('broken.png', 'no picture');
    const { code } = await run('explain', 'model.onnx', 'a.png', 'broken.png', '--report', '-o', 'out');
    expect(code).toBe(1);
    const page = pageOf('out/index.html');
    expect(runsOf(page)).toMatchObject([{ error: null }, { error: { code: 'ERR_IMAGE_INVALID' }, results: [] }]);
    expect(page.payloads[1]).toEqual({ picture: null, maps: [], curves: {} });
  });

  it('fails alone where the page cannot be written', async () => {
    mkdirSync('out/index.html', { recursive: true });
    const { code, stderr } = await run('explain', 'model.onnx', 'a.png', '--report', '-o', 'out');
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_OUTPUT');
    expect(stderr).toContain(`1 result; see ${join('out', 'manifest.jsonl')}`);
    expect(readManifest('out').results).toHaveLength(1);
  });

  it('shows the first pictures, as many as are asked for, and counts the others', async () => {
    await run('explain', 'model.onnx', 'a.png', 'b.png', '--report', '--pictures', '1', '-o', 'out');
    const { data } = pageOf('out/index.html');
    expect(data).toMatchObject({ photos: [{ name: 'a.png' }], leftOut: 1 });
    await run('report', 'out');
    expect(pageOf('out/index.html').data).toMatchObject({ photos: [{ name: 'a.png' }, { name: 'b.png' }], leftOut: 0 });
    await run('report', 'out', '--pictures', '0');
    expect(pageOf('out/index.html').data).toMatchObject({ photos: [], leftOut: 2 });
    const { code, stderr } = await run('explain', 'model.onnx', 'a.png', '--pictures', '1', '-o', 'out');
    expect(code).toBe(2);
    expect(stderr).toMatch(/ERR_USAGE: --pictures .* give --report too/);
  });

  it('is not written without being asked for', async () => {
    await run('explain', 'model.onnx', 'a.png', '-o', 'out');
    expect(readdirSync('out')).not.toContain('index.html');
  });

  it('shows tensors: of several images each by itself', async () => {
    writeFileSync('two.npy', Buffer.concat(formatNpy({ data: noise([1536], 3).data, dims: [2, 3, 16, 16] })));
    await run('explain', 'model.onnx', 'two.npy', '--report', '-o', 'out');
    const page = pageOf('out/index.html');
    expect(page.data.photos).toMatchObject([
      { name: 'two.npy [0]', width: 16, height: 16 },
      { name: 'two.npy [1]', width: 16, height: 16 },
    ]);
    expect(page.payloads.map(({ picture }) => picture?.width)).toEqual([16, 16]);
    expect(page.payloads[0]!.picture!.data).not.toBe(page.payloads[1]!.picture!.data);
  });
});

interface Line {
  readonly method: string;
  readonly target: { readonly index: number };
}

describe('report', () => {
  const explained = (...more: string[]) => run('explain', 'model.onnx', 'a.png', 'b.png', ...more);

  it('makes the page of a folder again, and another place for it', async () => {
    await explained('-o', 'out', '--report');
    const first = pageOf('out/index.html');
    rmSync('out/index.html');
    expect(await run('report', 'out')).toMatchObject({ code: 0, stderr: `see ${join('out', 'index.html')}\n` });
    expect({ ...pageOf('out/index.html').data, made: '' }).toEqual({ ...first.data, made: '' });
    expect((await run('report', 'out', '-o', 'pages')).code).toBe(0);
    expect((await run('report', 'out', '-o', 'pages/of a.HTML')).code).toBe(0);
    expect(readdirSync('pages').sort()).toEqual(['index.html', 'of a.HTML']);
  });

  it('finds pictures from another folder, relative to the manifest too', async () => {
    await explained('-o', '.');
    const folder = process.cwd();
    process.chdir(temporaryFolder());
    const { code, stderr } = await run('report', folder, '-o', 'page.html');
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'see page.html\n' });
    expect(pageOf('page.html').payloads.every(({ picture }) => picture !== null)).toBe(true);
  });

  it('shows two runs side by side: photographs in both, and in one alone', async () => {
    mkdirSync('photos');
    await makePicture('photos/a.png', 24, 20);
    await explained('-o', 'one');
    await run('explain', 'model.onnx', 'photos/a.png', '-m', 'hirescam,grad-cam', '-o', 'two');
    expect((await run('report', 'one', 'two')).code).toBe(0);
    const page = pageOf('one/index.html');
    expect(page.data.runs.map(({ name }) => name)).toEqual(['one', 'two']);
    expect(page.data.photos.map(({ name, runs }) => [name, ...runs.map(said => said?.results.length)])).toEqual([
      ['a.png', 1, 2],
      ['b.png', 1, undefined],
    ]);
    const places = page.data.photos[0]!.runs.flatMap(said => said!.results.map(({ map }) => map));
    expect(places).toEqual([0, 1, 2]);
    expect(page.payloads[0]!.maps).toHaveLength(3);
  });

  it('says what is gone: pictures are grey, maps are left out', async () => {
    await explained('-o', 'out');
    rmSync('b.png');
    rmSync('out/a.grad-cam.map.npy');
    const { code, stderr } = await run('report', 'out');
    expect(code).toBe(0);
    // Photographs are read several at once.
    expect(stderr).toMatch(/warning: not in the report, since they are gone: .*the map of a\.png by grad-cam/);
    expect(stderr).toMatch(/gone: .*the picture b\.png/);
    const page = pageOf('out/index.html');
    expect(runsOf(page).map(said => said!.results[0]!.map)).toEqual([null, 0]);
    expect(page.payloads.map(({ picture }) => picture === null)).toEqual([false, true]);
  });

  it('is made of all parts of a run, and says which are missing', async () => {
    await makePicture('c.png', 24, 20);
    const shard = (index: string) =>
      run('explain', 'model.onnx', 'c.png', 'b.png', 'a.png', '--shard', index, '-o', 'out');
    await shard('2/2');
    expect((await run('report', 'out')).stderr).toContain('warning: 1 of 2 parts are not in out: manifest-1of2.jsonl');
    expect(pageOf('out/index.html').data.photos.map(({ name }) => name)).toEqual(['a.png', 'c.png']);
    await shard('1/2');
    expect(await run('report', 'out')).toMatchObject({ code: 0, stderr: `see ${join('out', 'index.html')}\n` });
    expect(pageOf('out/index.html').data.photos.map(({ name }) => name)).toEqual(['a.png', 'b.png', 'c.png']);
  });

  it('tells names of at most five that are gone', async () => {
    await explained('-o', 'out');
    const manifest = readManifest('out');
    manifest.results = Array.from({ length: 9 }, (_, i) => ({ ...manifest.results[0], input: `${i}.png` }));
    writeManifest('out', manifest);
    expect((await run('report', 'out')).stderr).toMatch(
      /gone: (the picture \d\.png, ){4}the picture \d\.png and 4 more\n/,
    );
  });

  it.each([
    ['no folder', 'none', /there is no folder none/],
    ['a folder of nothing', 'empty', /there is no manifest\.jsonl of onnx-cam explain .* in empty/],
    [
      'damaged',
      'torn',
      /torn.manifest\.jsonl is no manifest of onnx-cam explain: its first line does not say which run/,
    ],
    ['another program’s', 'other', /other.manifest\.jsonl is no manifest of onnx-cam explain: its first line does not/],
  ])('refuses %s', async (_, name, message) => {
    const content = { empty: undefined, torn: '{"run": {', other: '{"name": "app"}\n' }[name];
    if (name !== 'none') mkdirSync(name);
    if (content !== undefined) writeFileSync(join(name, 'manifest.jsonl'), content);
    const { code, stderr } = await run('report', name);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^onnx-cam: ERR_OPTION_INVALID: /);
    expect(stderr).toMatch(message);
  });

  it('takes nothing in a manifest for granted', async () => {
    await explained('-o', 'out');
    const manifest = readManifest('out');
    const [line] = manifest.results;
    const odd: unknown[] = [null, 7, 'x', [], {}, [[]], Number.MAX_SAFE_INTEGER, -1];
    const keys = [...Object.keys(line), 'image', 'error', 'metrics'];
    const lines = keys.flatMap(key => odd.map((value, i) => ({ ...line, input: `${key}-${i}.png`, [key]: value })));
    writeManifest('out', { run: { ...manifest.run, model: [], sha256: 3, started: {} }, results: [...lines, {}] });
    const { code, stderr } = await run('report', 'out');
    expect(stderr).not.toMatch(/ERR_/);
    expect(code).toBe(0);
    expect(pageOf('out/index.html').data.photos.length).toBeGreaterThan(100);
  });

  it.each(['../secret.npy', 'link.npy', '/etc/hostname', 'folder', 'a\0b'])('reads no map at %j', async name => {
    await explained('-o', 'out');
    writeFileSync('secret.npy', Buffer.concat(formatNpy({ data: Float32Array.of(0, 1), dims: [1, 2] })));
    if (process.platform !== 'win32') symlinkSync('../secret.npy', 'out/link.npy');
    mkdirSync('out/folder');
    const manifest = readManifest('out');
    for (const line of manifest.results) line.files.map = name;
    writeManifest('out', manifest);
    const { code, stderr } = await run('report', 'out');
    expect(code).toBe(0);
    expect(stderr).toMatch(/gone: .*the map of a\.png by grad-cam/);
    expect(pageOf('out/index.html').payloads.flatMap(({ maps }) => maps)).toEqual([]);
  });

  it('shows labels and names as text', async () => {
    writeFileSync('model.onnx.json', JSON.stringify({ labels: Array.from({ length: 5 }, () => HOSTILE) }));
    await explained('-o', 'out');
    const manifest = readManifest('out');
    for (const line of manifest.results) Object.assign(line, { input: HOSTILE, warnings: [HOSTILE], reason: HOSTILE });
    writeManifest('out', manifest);
    await run('report', 'out');
    const { html, data } = pageOf('out/index.html');
    expect(html).not.toContain('<img src=x');
    expect(data.photos[0]!.name).toBe(HOSTILE);
    expect(data.photos[0]!.runs[0]!.predictions[0]!.label).toBe(HOSTILE);
  });

  it('is stopped without leaving half a page', async () => {
    await explained('-o', 'out', '--report');
    const old = readFileSync('out/index.html', 'utf8');
    const controller = new AbortController();
    controller.abort();
    expect(await runHere(['report', 'out'], { library, signal: controller.signal })).toMatchObject({ code: 130 });
    expect(readFileSync('out/index.html', 'utf8')).toBe(old);
  });

  it.skipIf(!hasBrowser)('opens from the disk with its maps drawn', async () => {
    await explained('-m', 'grad-cam,hirescam', '-o', 'out', '--report');
    const opened = await openPage(pathToFileURL('out/index.html').href);
    await opened.page.locator('.thumb .map-canvas[data-drawn=true]').nth(1).waitFor();
    expect(await opened.page.locator('.thumb').count()).toBe(2);
    await closePage(opened);
  });
});
