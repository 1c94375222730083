import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, test } from 'vitest';
import { formatNpy } from '../../lib/io/npy.ts';
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

const header = (changes: object = {}) => ({
  run: { versions: {}, model: 'model.onnx', sha256: 'f'.repeat(64), options: {}, started: 'now', ...changes },
});

function write(results: readonly object[], name = 'manifest.jsonl', first: object = header()): void {
  writeFileSync(join(folder, name), [first, ...results].map(line => `${JSON.stringify(line)}\n`).join(''));
}

async function picture(name = 'cat.png', width = 12, height = 8): Promise<void> {
  await sharp({ create: { width, height, channels: 3, background: '#336699' } }).toFile(join(folder, name));
}

async function read(pictures?: number) {
  const missing: string[] = [];
  const warnings: string[] = [];
  const source = await readRunFolder(folder, {
    missing: what => missing.push(what),
    warn: text => warnings.push(text),
    pictures,
  });
  const entries: PhotoEntry[] = [];
  for await (const entry of reportSource(source).photos) entries.push(entry);
  const names = entries.map(({ photo }) => photo.name);
  return { entries, names, missing, warnings, run: source.run, leftOut: source.leftOut };
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
    ['nothing', '', /first line does not say which run/],
    ['half a line', '{"run":', /first line does not say which run/],
    ['no JSON', 'text\n', /first line does not say which run/],
    ['another program', '{"name":"app"}\n', /first line does not say which run/],
    ['a run without options', '{"run":{"versions":{}}}\n', /first line does not say which run/],
    ['a damaged line', `${JSON.stringify(header())}\n{}\n{"input\n{}\n`, /line 3 is no JSON object/],
    ['a line that is no result', `${JSON.stringify(header())}\n7\n`, /line 2 is no JSON object/],
    ['brackets without end', `${JSON.stringify(header())}\n${'['.repeat(2 ** 22)}\n`, /line 2 is no JSON object/],
    ['a huge line', `${JSON.stringify(header())}\n${' '.repeat(2 ** 26 + 1)}\n`, /a line of it has more than/],
  ])('with a manifest of %s is refused', async (_, text, message) => {
    writeFileSync(join(folder, 'manifest.jsonl'), text);
    await expect(read()).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: expect.stringMatching(message),
    });
    await expect(read()).rejects.toThrow(join(folder, 'manifest.jsonl'));
  });

  test('without a whole last line is read up to there', async () => {
    write([result(), result({ input: 'dog.png' })]);
    const text = readFileSync(join(folder, 'manifest.jsonl'), 'utf8');
    writeFileSync(join(folder, 'manifest.jsonl'), text.slice(0, -10));
    expect((await read()).names).toEqual(['cat.png']);
  });

  test('where a folder has the manifest’s name is refused', async () => {
    mkdirSync(join(folder, 'manifest.jsonl'));
    await expect(read()).rejects.toThrow(/manifest\.jsonl is no manifest of onnx-cam explain: it cannot be read/);
  });

  test('that changes while it is read is told', async () => {
    write([result({ input: 'a.png' }), result({ input: 'b.png' })]);
    const source = await readRunFolder(folder, { missing: () => {}, warn: () => {}, pictures: undefined });
    write([result({ input: 'b.png' })]);
    await expect(source.photos[1]!.load()).rejects.toThrow(/was changed while it was read; try again/);
    rmSync(join(folder, 'manifest.jsonl'));
    await expect(source.photos[0]!.load()).rejects.toThrow(/was changed while it was read; try again/);
  });

  test('shows the first photographs, and counts the others', async () => {
    const of = (input: string, more = {}) => ['m1', 'm2'].map(method => result({ input, method, files: {}, ...more }));
    const tensor = (image: number) => of('b.npy', { image });
    write([...of('c.png'), ...tensor(0), ...tensor(1), ...tensor(2), ...of('a.png')]);
    expect(await read()).toMatchObject({
      names: ['c.png', 'b.npy [0]', 'b.npy [1]', 'b.npy [2]', 'a.png'],
      leftOut: 0,
    });
    const { entries, names, leftOut } = await read(2);
    expect({ names, leftOut }).toEqual({ names: ['c.png', 'b.npy [0]'], leftOut: 3 });
    expect(entries.map(({ photo }) => photo.runs[0]!.results.length)).toEqual([2, 2]);
    expect(await read(0)).toMatchObject({ names: [], leftOut: 5 });
  });

  test('without a manifest or a table, or not there at all, is refused with what is expected', async () => {
    const options = { missing: () => {}, warn: () => {}, pictures: undefined };
    const refused = (path: string) => readRunFolder(path, options).catch((error: Error) => error.message);
    expect(await refused(folder)).toMatch(
      /no manifest\.jsonl of onnx-cam explain or metrics\.csv of onnx-cam evaluate in/,
    );
    expect(await refused(join(folder, 'gone'))).toMatch(/there is no folder/);
  });
});

describe('the parts of a run', () => {
  const part = (name: string, inputs: readonly string[], changes: object = {}) =>
    write(
      inputs.map(input => result({ input, files: {} })),
      `manifest-${name}.jsonl`,
      header(changes),
    );

  test.each([
    ['from 0', ['0of3', '1of3', '2of3']],
    ['from 1', ['1of3', '2of3', '3of3']],
  ])('counted %s are one run, in the order of the list', async (_, [first, second, third]) => {
    // A list that was sorted and dealt out: a to h.
    part(first!, ['a', 'd', 'g']);
    part(second!, ['b', 'e', 'h']);
    part(third!, ['c', 'f']);
    expect(await read()).toMatchObject({ names: [...'abcdefgh'], leftOut: 0, warnings: [] });
    for (let most = 0; most <= 8; most++)
      expect(await read(most)).toMatchObject({ names: [...'abcdefgh'].slice(0, most), leftOut: 8 - most });
  });

  test('of a queue are too, some of them without a result', async () => {
    part('0of3', ['a', 'b']);
    part('1of3', []);
    part('2of3', ['c']);
    expect(await read()).toMatchObject({ names: ['a', 'b', 'c'], warnings: [] });
  });

  test('may be missing, which is told', async () => {
    part('2of9', ['a']);
    expect((await read()).warnings).toEqual([
      `8 of 9 parts are not in ${folder}: manifest-0of9.jsonl (or 9of9), manifest-1of9.jsonl, manifest-3of9.jsonl, manifest-4of9.jsonl, manifest-5of9.jsonl and 3 more`,
    ]);
    for (const i of [1, 3, 4, 5, 6, 7, 9]) part(`${i}of9`, []);
    expect((await read()).warnings).toEqual([`1 of 9 parts are not in ${folder}: manifest-8of9.jsonl`]);
  });

  test.each([
    ['of other counts', ['1of4', '2of8'], /manifest-1of4\.jsonl and manifest-2of8\.jsonl/],
    ['counted from 0 and from 1', ['0of4', '1of4', '4of4'], /manifest-0of4\.jsonl and manifest-4of4\.jsonl/],
  ])('%s are of different runs', async (_, names, message) => {
    for (const name of names) part(name, ['a']);
    await expect(read()).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID', message: expect.stringMatching(message) });
  });

  test.each([
    ['another model', { sha256: '0'.repeat(64) }, /of another model/],
    ['other options', { options: { method: ['hirescam'] } }, /with another method/],
  ])('of %s are of different runs', async (_, changes, message) => {
    part('0of2', ['a']);
    part('1of2', ['b'], changes);
    await expect(read()).rejects.toThrow(message);
    await expect(read()).rejects.toThrow(/manifest-0of2\.jsonl and, .*, manifest-1of2\.jsonl: take away/);
  });

  test('and a whole run are different runs', async () => {
    write([result()]);
    part('0of2', ['a']);
    await expect(read()).rejects.toThrow(/manifest\.jsonl and manifest-0of2\.jsonl/);
  });

  test('of two versions are read, with a warning', async () => {
    for (const [i, version] of ['1.0.0', '1.0.0', '1.0.1'].entries())
      part(`${i}of3`, [`${i}.png`], { versions: { 'onnx-cam': version } });
    const { names, warnings } = await read();
    expect(names).toHaveLength(3);
    expect(warnings).toEqual([expect.stringContaining('manifest-0of3.jsonl by 1.0.0, manifest-2of3.jsonl by 1.0.1')]);
  });

  test.each([
    'manifest-01of2.jsonl',
    'manifest-3of2.jsonl',
    'manifest-1of0.jsonl',
    'manifest-xof2.jsonl',
    '.manifest-0of2.jsonl',
  ])('are not in %s', async name => {
    write([], name, {});
    write([result()]);
    expect((await read()).names).toEqual(['cat.png']);
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
