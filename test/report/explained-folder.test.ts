import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, test } from 'vitest';
import { readRunFolder } from '../../lib/report/run-folder.ts';
import type { PhotoEntry } from '../../lib/report/write-report.ts';
import { temporaryFolder } from '../cli/harness.ts';
import { ExplainedFolder, npy, result } from './explained.ts';

let explained: ExplainedFolder;

beforeEach(() => {
  explained = new ExplainedFolder();
});

async function picture(name = 'cat.png', width = 12, height = 8): Promise<void> {
  await sharp({ create: { width, height, channels: 3, background: '#336699' } }).toFile(join(explained.path, name));
}

describe('a folder of explain', () => {
  test('is read with its maps and pictures', async () => {
    await picture();
    writeFileSync(join(explained.path, 'cat.grad-cam.map.npy'), npy([8, 12]));
    explained.write([result(), result({ method: 'layer-cam', status: 'zero', reason: 'nothing', files: {} })]);
    const { entries, missing, run } = await explained.read();
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
    explained.write([...both('grad-cam'), ...both('layer-cam')]);
    const { entries } = await explained.read();
    const kinds = entries[0]!.photo.runs[0]!.results.map(({ target: { kind, score } }) => `${kind} ${score}`);
    expect(kinds).toEqual(['contrast 1', 'contrast (2) 2', 'contrast 1', 'contrast (2) 2']);
  });

  test('says what is gone, and shows the rest', async () => {
    writeFileSync(join(explained.path, 'cat.grad-cam.map.npy'), npy([8, 12]));
    explained.write([
      result(),
      result({ method: 'layer-cam', files: { map: 'gone.npy' } }),
      { input: 'x.png', error: { code: 'ERR_IMAGE_INVALID', message: 'no picture' } },
    ]);
    const { entries, missing } = await explained.read();
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
      .toFile(join(explained.path, 'cat.png'));
    explained.write([result({ files: {} })]);
    const { entries } = await explained.read();
    const { data } = await sharp(Buffer.from(entries[0]!.payload.picture!.data, 'base64'))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(Math.min(...data)).toBeLessThan(20);
    expect(Math.max(...data)).toBeGreaterThan(235);
  });

  test('shows a volume’s middle plane, and images of a tensor by themselves', async () => {
    writeFileSync(join(explained.path, 'brain.npy'), npy([1, 5, 4, 6]));
    writeFileSync(join(explained.path, 'brain.map.npy'), npy([5, 4, 6]));
    writeFileSync(join(explained.path, 'two.npy'), npy([2, 3, 4, 6]));
    writeFileSync(join(explained.path, 'two.map.npy'), npy([4, 6]));
    const volume = { width: 6, height: 4, dims: [5, 4, 6] };
    const of = (input: string, map: object, more = {}) =>
      result({ input, map, preprocess: null, files: { map: input.replace('.npy', '.map.npy') }, ...more });
    explained.write([
      of('brain.npy', volume, { raw: { dims: [2, 2, 3] } }),
      of('two.npy', { width: 6, height: 4 }, { image: 0 }),
      of('two.npy', { width: 6, height: 4 }, { image: 1 }),
    ]);
    const { entries, missing } = await explained.read();
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
    symlinkSync(join(outside, 'secret.npy'), join(explained.path, 'link.npy'));
    mkdirSync(join(explained.path, 'folder.npy'));
    writeFileSync(join(explained.path, 'text.npy'), 'no numbers');
    writeFileSync(
      join(explained.path, 'nan.npy'),
      npy([8, 12], () => Number.NaN),
    );
    writeFileSync(join(explained.path, 'empty.npy'), npy([0, 12]));
    writeFileSync(join(explained.path, 'flat.npy'), npy([96]));
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
    explained.write(names.map((map, i) => result({ method: `m${i}`, files: { map } })));
    const { entries, missing } = await explained.read();
    expect(entries[0]!.payload.maps).toEqual([]);
    expect(missing).toHaveLength(names.length);
  });

  test('of any shape of JSON is read or refused, never crashes', async () => {
    await picture();
    writeFileSync(join(explained.path, 'cat.grad-cam.map.npy'), npy([8, 12]));
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
    explained.write(fields.flatMap(field => odd.map(value => result({ [field]: value }))));
    expect((await explained.read()).entries.length).toBeGreaterThan(0);
    const shapes = [
      { fit: 'crop', size: [1e9, 1e9] },
      { fit: 'crop', size: [8, 8], resize: 1e12, cropPct: 1e-9 },
      { fit: 'letterbox', size: [0.5, -3] },
      { fit: 'constructor', size: 'x' },
    ];
    explained.write(shapes.map((preprocess, i) => result({ method: `m${i}`, preprocess, raw: { dims: [1e9, 1e9] } })));
    expect((await explained.read()).entries[0]!.payload.maps).toHaveLength(shapes.length);
  });

  test('without a manifest or a table, or not there at all, is refused with what is expected', async () => {
    const options = { missing: () => {}, warn: () => {}, pictures: undefined };
    const refused = (path: string) => readRunFolder(path, options).catch((error: Error) => error.message);
    expect(await refused(explained.path)).toMatch(
      /no manifest\.jsonl of onnx-cam explain or metrics\.csv of onnx-cam evaluate in/,
    );
    expect(await refused(join(explained.path, 'gone'))).toMatch(/there is no folder/);
  });
});
