/** The page that every evaluation has: what it is told, whatever the evaluation went through. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluateOptions } from '../../lib/explain/evaluate-options.ts';
import type { Explainer } from '../../lib/explainer.ts';
import type { ReportData } from '../../lib/report/data.ts';
import { evaluationPage } from '../../lib/report/evaluation-page.ts';
import type { PhotoPayload } from '../../lib/report/payload.ts';
import { runHere } from '../cli/harness.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, plainModel } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const HOSTILE = 'ä <img src=x onerror=alert(1)> ,"\n=1.png';
let folder: string;
let photos: string[];
let cam: Explainer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-test-'));
  cam = await open(plainModel());
  photos = await Promise.all(
    ['a.png', 'b.png', HOSTILE].map(async (name, i) => {
      const { data } = noiseImage([1, 3, 24, 20], i + 1);
      const pixels = Uint8Array.from(data, value => 128 + 100 * value);
      await sharp(pixels, { raw: { width: 20, height: 24, channels: 3 } })
        .png()
        .toFile(join(folder, name));
      return join(folder, name);
    }),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const options: EvaluateOptions = { metrics: ['deletion', 'entropy'], target: 1, controls: false };
let count = 0;
const fresh = () => join(folder, `out-${count++}`);

async function evaluate(source: Iterable<unknown>, out: string, more: EvaluateOptions = {}) {
  const run = cam.evaluate(source as never, { ...options, ...more });
  const saved = await run.save(out);
  await run.dispose();
  return saved;
}

function page(out: string): { readonly data: ReportData; readonly payloads: PhotoPayload[]; readonly html: string } {
  const html = readFileSync(join(out, 'index.html'), 'utf8');
  const json = (id: string) => JSON.parse(html.split(`id="${id}">`)[1]!.split('</script>')[0]!);
  const data: ReportData = json('report');
  const chunks = new Set(data.photos.map(({ chunk }) => chunk));
  return { data, payloads: [...chunks].flatMap(chunk => json(`photos-${chunk}`)), html };
}
const recorded = (out: string) => readFileSync(join(out, 'pictures.jsonl'), 'utf8').trimEnd().split('\n').slice(1);

describe('the page', () => {
  it('shows each image with its maps, values and curves, and the summary', async () => {
    const out = fresh();
    const { path, warnings } = await evaluate(photos, out, { methods: ['grad-cam', 'layer-cam'], controls: true });
    expect([path, warnings]).toEqual([join(out, 'index.html'), []]);
    const { data, payloads } = page(out);
    expect(data.leftOut).toBe(0);
    expect(data.photos.map(({ name, width, height }) => [name, width, height])).toEqual(
      photos.map(name => [name, 20, 24]),
    );
    const [run] = data.runs;
    expect(run!.summary).toEqual(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')));
    expect(run!.makers.map(({ method, control }) => [method, control])).toEqual([
      ['grad-cam', false],
      ['layer-cam', false],
      ['random', true],
      ['centre', true],
      ['constant', true],
    ]);
    const [{ said, maps }] = [{ said: data.photos[0]!.runs[0]!, maps: payloads[0]!.maps }];
    expect(said.predictions.length).toBeGreaterThan(0);
    expect(said.results).toHaveLength(5);
    for (const { map, metrics, target } of said.results) {
      expect(Object.keys(metrics)).toEqual(['deletion', 'entropy']);
      expect(target).toMatchObject({ index: 1, kind: 'class' });
      expect(maps[map!]).toBeDefined();
      expect(Object.keys(payloads[0]!.curves[map!]!)).toEqual(['deletion']);
    }
    const rows = readFileSync(join(out, 'metrics.csv'), 'utf8').split('\n');
    const deletion = rows.find(row => row.includes('a.png') && row.includes('layer-cam,') && row.includes('deletion'))!;
    expect(deletion).toContain(`,${said.results[1]!.metrics.deletion},`);
    expect(payloads[0]!.picture).toMatchObject({ type: 'image/webp', width: 20, height: 24 });
  });

  it('escapes names of files', async () => {
    const out = fresh();
    await evaluate(photos, out);
    const { html, data } = page(out);
    expect(data.photos[2]!.name).toContain('<img src=x onerror=alert(1)>');
    expect(html).not.toContain('<img src=x');
  });

  it.each([
    [0, 0, 3],
    [2, 2, 1],
    [undefined, 3, 0],
  ])('with `pictures` %s shows %i and counts %i others', async (pictures, shown, leftOut) => {
    const out = fresh();
    await evaluate(photos, out, { pictures });
    const { data } = page(out);
    expect([data.photos.length, data.leftOut]).toEqual([shown, leftOut]);
    expect(data.runs[0]!.summary!.images).toBe(3);
    expect(recorded(out).filter(line => line !== '')).toHaveLength(shown);
  });

  it('of many images is as large as that of the first of them', async () => {
    const many = (n: number) => Array.from({ length: n }, (_, i) => photos[i % 2]!);
    const sizes: number[] = [];
    for (const n of [4, 40]) {
      const out = fresh();
      await evaluate(many(n), out, { pictures: 4 });
      sizes.push(statSync(join(out, 'pictures.jsonl')).size);
      expect(page(out).data).toMatchObject({ leftOut: n - 4 });
    }
    expect(sizes[0]).toBe(sizes[1]);
  });

  it('shows images that failed, and whence each came: bytes, tensors', async () => {
    const out = fresh();
    const tensor = noiseImage([1, 3, 16, 16], 3);
    const blob = new Blob([readFileSync(photos[0]!)]);
    await evaluate([join(folder, 'missing.png'), blob, { name: 'a tensor', tensor }], out);
    const { data, payloads } = page(out);
    expect(data.photos.map(({ name }) => name)).toEqual([join(folder, 'missing.png'), '#1', 'a tensor']);
    expect(data.photos.map(({ runs: [said] }) => [said!.error?.code ?? null, said!.results.length])).toEqual([
      ['ERR_IMAGE_NOT_FOUND', 0],
      [null, 1],
      [null, 1],
    ]);
    expect(payloads.map(({ picture }) => picture && [picture.width, picture.height])).toEqual([
      null,
      [20, 24],
      [16, 16],
    ]);
  });

  it('is missing alone where it cannot be written', async () => {
    const out = fresh();
    mkdirSync(join(out, 'index.html/in the way'), { recursive: true });
    const error = await expectError(() => evaluate(photos, out), 'ERR_OUTPUT');
    expect(error.message).toContain('the page alone is missing');
    expect(readdirSync(out).sort()).toEqual([
      'curves.json',
      'index.html',
      'metrics.csv',
      'pictures.jsonl',
      'summary.json',
    ]);
  });
});

describe('a run that goes on', () => {
  it('with more methods and metrics has the maps of both', async () => {
    const out = fresh();
    await evaluate(photos, out, { folder: out, limit: 2 });
    await evaluate(photos, out, {
      folder: out,
      resume: true,
      methods: ['grad-cam', 'layer-cam'],
      metrics: ['deletion', 'entropy', 'insertion'],
    });
    const { data, payloads } = page(out);
    expect(data.photos.map(({ name }) => name)).toEqual(photos);
    expect(recorded(out)).toHaveLength(5);
    for (const [i, { runs }] of data.photos.entries()) {
      const { results } = runs[0]!;
      expect(results.map(({ maker }) => data.runs[0]!.makers[maker]!.method)).toEqual(['grad-cam', 'layer-cam']);
      for (const { metrics, map } of results) {
        expect(Object.keys(metrics).sort()).toEqual(['deletion', 'entropy', 'insertion']);
        expect(Object.keys(payloads[i]!.curves[map!]!).sort()).toEqual(['deletion', 'insertion']);
      }
      expect(payloads[i]!.picture).not.toBeNull();
    }
    expect(recorded(out).filter(text => JSON.parse(text).picture)).toHaveLength(3);
  });

  it('with pictures of another run says so, and shows its own', async () => {
    const out = fresh();
    await evaluate(photos, out, { folder: out, limit: 1 });
    writeFileSync(join(out, 'pictures.jsonl'), 'of somebody else\n');
    const { warnings } = await evaluate(photos, out, { folder: out, resume: true });
    expect(warnings.join()).toContain('pictures.jsonl');
    expect(page(out).data.photos.map(({ name }) => name)).toEqual(photos.slice(1));
    expect(page(out).data.leftOut).toBe(1);
  });

  it('shows what there is where it was interrupted, and says so', async () => {
    const out = fresh();
    await evaluate(photos, out, { folder: out });
    const controller = new AbortController();
    const run = cam.evaluate(photos, { ...options, folder: out, signal: controller.signal, concurrency: 1 });
    await expectError(async () => {
      for await (const _ of run) controller.abort();
    }, 'ERR_ABORTED');
    expect(existsSync(join(out, 'index.html'))).toBe(false);
    const { warnings } = await evaluationPage(out);
    expect(warnings.join()).toContain('has not ended');
    const { data } = page(out);
    expect(data.runs[0]).toMatchObject({ summary: null, name: expect.stringContaining('(not finished)') });
    expect(data.photos.length).toBeGreaterThan(0);
  });

  it('of one that was interrupted comes from the command too', async () => {
    const out = fresh();
    await evaluate(photos, out);
    rmSync(join(out, 'summary.json'));
    const { code, stderr } = await runHere(['report', out, '-o', join(out, 'again.html')]);
    expect(code).toBe(0);
    expect(stderr).toContain('summary.json is missing or damaged');
    const again = readFileSync(join(out, 'again.html'), 'utf8');
    expect(again).toContain('(not finished)');
  });

  it('of damaged files is a page without them', async () => {
    const out = fresh();
    await evaluate(photos, out);
    writeFileSync(join(out, 'summary.json'), '{"metrics":[{"method":{}}]}');
    writeFileSync(join(out, 'curves.json'), '[]');
    await evaluationPage(out);
    const { data } = page(out);
    expect(data.runs[0]).toMatchObject({ summary: null, curves: [] });
    expect(data.photos).toHaveLength(3);
    writeFileSync(join(out, 'metrics.csv'), 'a,b\n1,2\n');
    const error = await expectError(() => evaluationPage(out), 'ERR_OPTION_INVALID');
    expect(error.message).toContain('metrics.csv');
  });
});

it('what `save` writes elsewhere has the pictures too', async () => {
  const [out, other] = [fresh(), fresh()];
  const run = cam.evaluate(photos, { ...options, folder: out });
  await run.save(other);
  await run.save(out);
  expect(recorded(other)).toEqual(recorded(out));
  expect(page(other).data.photos).toEqual(page(out).data.photos);
  await run.dispose();
});
