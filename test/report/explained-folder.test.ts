import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, test } from 'vitest';
import { formatNpy } from '../../lib/io/npy.ts';
import { explainedFolder } from '../../lib/report/explained-folder.ts';
import { readRunFolder } from '../../lib/report/run-folder.ts';
import { reportSource } from '../../lib/report/run-source.ts';
import type { PhotoEntry } from '../../lib/report/write-report.ts';
import { temporaryFolder } from '../cli/harness.ts';

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

const npy = (dims: readonly number[], value = (i: number) => i) => {
  const count = dims.reduce((product, length) => product * length, 1);
  return Buffer.concat(formatNpy({ data: Float32Array.from({ length: count }, (_, i) => value(i) / count), dims }));
};

const result = (changes: object = {}) => ({
  input: 'cat.png',
  method: 'grad-cam',
  target: { index: 1, label: 'tabby', score: 2, probability: 0.5, kind: 'rank' },
  predictions: [{ index: 1, label: 'tabby', score: 2, probability: 0.5 }],
  layer: { name: 'features', shape: [1, 4, 2, 3], reason: 'given' },
  status: 'ok',
  reason: null,
  warnings: ['one warning'],
  convention: 'paper',
  technique: null,
  preprocess: { size: [12, 8], fit: 'squeeze', resize: null, cropPct: null },
  map: { width: 12, height: 8 },
  raw: { dims: [2, 3] },
  files: { map: 'cat.grad-cam.map.npy' },
  ...changes,
});

function write(results: unknown, changes: object = {}): void {
  const model = { path: 'model.onnx', sha256: 'f'.repeat(64) };
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify({ created: 'now', versions: {}, model, results, ...changes }),
  );
}

async function picture(name = 'cat.png', width = 12, height = 8): Promise<void> {
  await sharp({ create: { width, height, channels: 3, background: '#336699' } }).toFile(join(folder, name));
}

async function read(): Promise<{ entries: PhotoEntry[]; missing: string[]; run: object }> {
  const missing: string[] = [];
  const source = await explainedFolder(folder, what => missing.push(what));
  const entries: PhotoEntry[] = [];
  for await (const entry of reportSource(source).photos) entries.push(entry);
  return { entries, missing, run: source.run };
}

describe('a folder of explain', () => {
  test('is read with its maps and pictures', async () => {
    await picture();
    writeFileSync(join(folder, 'cat.grad-cam.map.npy'), npy([8, 12]));
    write([result(), result({ method: 'layer-cam', status: 'zero', reason: 'nothing', files: {} })]);
    const { entries, missing, run } = await read();
    expect(missing).toEqual([]);
    expect(run).toMatchObject({
      started: 'now',
      warnings: ['one warning'],
      makers: [{ method: 'grad-cam' }, { method: 'layer-cam' }],
    });
    const [{ photo, payload }] = entries as [PhotoEntry];
    expect(photo).toMatchObject({ name: 'cat.png', width: 12, height: 8 });
    expect(photo.runs[0]).toMatchObject({
      error: null,
      results: [
        { maker: 0, target: { label: 'tabby', kind: 'class' }, layer: 'features', map: 0, warnings: [0] },
        { maker: 1, status: 'zero', reason: 'nothing', map: null },
      ],
    });
    expect(payload).toMatchObject({ picture: { width: 12, height: 8 }, maps: [{ shown: [0, 0, 1, 1] }] });
  });

  test('keeps two targets of one class and kind apart', async () => {
    const target = { index: 1, label: 'tabby', score: 2, probability: 0.5, kind: 'contrast' };
    const both = (method: string) => [1, 2].map(score => result({ method, target: { ...target, score } }));
    write([...both('grad-cam'), ...both('layer-cam')]);
    const { entries } = await read();
    const kinds = entries[0]!.photo.runs[0]!.results.map(({ target: { kind, score } }) => `${kind} ${score}`);
    expect(kinds).toEqual(['contrast 1', 'contrast (2) 2', 'contrast 1', 'contrast (2) 2']);
  });

  test('says what is gone, and shows the rest', async () => {
    writeFileSync(join(folder, 'cat.grad-cam.map.npy'), npy([8, 12]));
    write([
      result(),
      result({ method: 'layer-cam', files: { map: 'gone.npy' } }),
      { input: 'x.png', error: { code: 'ERR_IMAGE_INVALID', message: 'no picture' } },
    ]);
    const { entries, missing } = await read();
    expect(missing).toEqual(['the picture cat.png', 'the map of cat.png by layer-cam']);
    expect(entries[0]).toMatchObject({ photo: { width: 12, height: 8 }, payload: { picture: null } });
    expect(entries[0]!.photo.runs[0]!.results.map(({ map }) => map)).toEqual([0, null]);
    expect(entries[1]!.photo).toMatchObject({
      name: 'x.png',
      runs: [{ error: { code: 'ERR_IMAGE_INVALID', message: 'no picture' } }],
    });
  });

  test('shows a picture of 16 bits as overlays do: from its least to its largest value', async () => {
    const values = Uint16Array.from({ length: 96 }, (_, i) => 1000 + i);
    await sharp(values, { raw: { width: 12, height: 8, channels: 1 } })
      .toColourspace('grey16')
      .toFile(join(folder, 'cat.png'));
    write([result({ files: {} })]);
    const { entries } = await read();
    const { data } = await sharp(Buffer.from(entries[0]!.payload.picture!.data, 'base64'))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(Math.min(...data)).toBeLessThan(20);
    expect(Math.max(...data)).toBeGreaterThan(235);
  });

  test('shows a volume’s middle plane, and images of a tensor by themselves', async () => {
    writeFileSync(join(folder, 'brain.npy'), npy([1, 5, 4, 6]));
    writeFileSync(join(folder, 'brain.map.npy'), npy([5, 4, 6]));
    writeFileSync(join(folder, 'two.npy'), npy([2, 3, 4, 6]));
    writeFileSync(join(folder, 'two.map.npy'), npy([4, 6]));
    const volume = { width: 6, height: 4, dims: [5, 4, 6] };
    const of = (input: string, map: object, more = {}) =>
      result({ input, map, preprocess: null, files: { map: input.replace('.npy', '.map.npy') }, ...more });
    write([
      of('brain.npy', volume, { raw: { dims: [2, 2, 3] } }),
      of('two.npy', { width: 6, height: 4 }, { image: 0 }),
      of('two.npy', { width: 6, height: 4 }, { image: 1 }),
    ]);
    const { entries, missing } = await read();
    expect(missing).toEqual([]);
    expect(entries.map(({ photo: { name, width, height } }) => ({ name, width, height }))).toEqual([
      { name: 'brain.npy', width: 6, height: 4 },
      { name: 'two.npy [0]', width: 6, height: 4 },
      { name: 'two.npy [1]', width: 6, height: 4 },
    ]);
    for (const { payload } of entries) expect(payload).toMatchObject({ picture: { width: 6, height: 4 }, maps: [{}] });
  });

  test('opens no file outside itself, and no map that is none', async () => {
    await picture();
    const outside = temporaryFolder();
    writeFileSync(join(outside, 'secret.npy'), npy([8, 12]));
    symlinkSync(join(outside, 'secret.npy'), join(folder, 'link.npy'));
    mkdirSync(join(folder, 'folder.npy'));
    writeFileSync(join(folder, 'text.npy'), 'no numbers');
    writeFileSync(
      join(folder, 'nan.npy'),
      npy([8, 12], () => Number.NaN),
    );
    writeFileSync(join(folder, 'empty.npy'), npy([0, 12]));
    writeFileSync(join(folder, 'flat.npy'), npy([96]));
    const names = [
      join(outside, 'secret.npy'),
      '../secret.npy',
      'link.npy',
      'folder.npy',
      'text.npy',
      'nan.npy',
      'empty.npy',
      'flat.npy',
      '',
      'a\0b',
    ];
    write(names.map((map, i) => result({ method: `m${i}`, files: { map } })));
    const { entries, missing } = await read();
    expect(entries[0]!.payload.maps).toEqual([]);
    expect(missing).toHaveLength(names.length);
  });

  test('of any shape of JSON is read or refused, never crashes', async () => {
    await picture();
    writeFileSync(join(folder, 'cat.grad-cam.map.npy'), npy([8, 12]));
    const odd: unknown[] = [null, 'text', -1, 1e300, [], {}, [null], { name: 5 }, true];
    const fields = [
      'input',
      'method',
      'target',
      'predictions',
      'layer',
      'status',
      'reason',
      'warnings',
      'technique',
      'preprocess',
      'map',
      'raw',
      'files',
      'image',
    ];
    write(fields.flatMap(field => odd.map(value => result({ [field]: value }))));
    expect((await read()).entries.length).toBeGreaterThan(0);
    const shapes = [
      { fit: 'crop', size: [1e9, 1e9] },
      { fit: 'crop', size: [8, 8], resize: 1e12, cropPct: 1e-9 },
      { fit: 'letterbox', size: [0.5, -3] },
      { fit: 'constructor', size: 'x' },
    ];
    write(shapes.map((preprocess, i) => result({ method: `m${i}`, preprocess, raw: { dims: [1e9, 1e9] } })));
    expect((await read()).entries[0]!.payload.maps).toHaveLength(shapes.length);
  });

  test.each([
    ['no JSON', '{', /holds no JSON/],
    ['no results', '{}', /no list of results/],
    ['results that are none', '{"results":[1]}', /no list of results/],
  ])('with a manifest of %s is refused', async (_, text, message) => {
    writeFileSync(join(folder, 'manifest.json'), text);
    await expect(read()).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID', message: expect.stringMatching(message) });
  });

  test('without a manifest or a table, or not there at all, is refused with what is expected', async () => {
    const refused = (path: string) => readRunFolder(path, () => {}).catch((error: Error) => error.message);
    expect(await refused(folder)).toMatch(
      /no manifest\.json of onnx-cam explain or metrics\.csv of onnx-cam evaluate in/,
    );
    expect(await refused(join(folder, 'gone'))).toMatch(/there is no folder/);
  });
});

describe('two runs', () => {
  const run = (names: readonly string[], name: string) => ({
    run: { name } as never,
    leftOut: 0,
    photos: names.map(name => ({
      name,
      load: async () => ({
        size: { width: 1, height: 1 },
        said: { predictions: [], correct: null, error: null, results: [] },
        payload: { picture: null, maps: [], curves: {} },
      }),
    })),
  });

  test.each([
    ['their paths', ['a/x.jpg', 'b/x.jpg'], ['b/x.jpg', 'a/x.jpg'], ['a/x.jpg 11', 'b/x.jpg 11']],
    [
      'their folders’ names',
      ['/one/a/x.jpg', '/one/b/x.jpg'],
      ['/two/b/x.jpg'],
      ['/one/a/x.jpg 10', '/one/b/x.jpg 11'],
    ],
    [
      'their names',
      ['one/x.jpg', 'one/y.jpg'],
      ['two/y.jpg', 'two/z.jpg'],
      ['one/x.jpg 10', 'one/y.jpg 11', 'two/z.jpg 01'],
    ],
    [
      'nothing that two of a run share',
      ['1/x.jpg', '2/x.jpg'],
      ['3/x.jpg'],
      ['1/x.jpg 10', '2/x.jpg 10', '3/x.jpg 01'],
    ],
  ])('are matched by %s', async (_, first, second, expected) => {
    const found: string[] = [];
    for await (const { photo } of reportSource(run(first, 'A'), run(second, 'B')).photos)
      found.push(`${photo.name} ${photo.runs.map(run => Number(run !== null)).join('')}`);
    expect(found).toEqual(expected);
  });
});
