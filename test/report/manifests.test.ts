import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { readRunFolder } from '../../lib/report/run-folder.ts';
import { ExplainedFolder, header, result } from './explained.ts';

let explained: ExplainedFolder;

beforeEach(() => {
  explained = new ExplainedFolder();
});

describe('a manifest', () => {
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
    writeFileSync(join(explained.path, 'manifest.jsonl'), text);
    await expect(explained.read()).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: expect.stringMatching(message),
    });
    await expect(explained.read()).rejects.toThrow(join(explained.path, 'manifest.jsonl'));
  });

  test('without a whole last line is read up to there', async () => {
    explained.write([result(), result({ input: 'dog.png' })]);
    const text = readFileSync(join(explained.path, 'manifest.jsonl'), 'utf8');
    writeFileSync(join(explained.path, 'manifest.jsonl'), text.slice(0, -10));
    expect((await explained.read()).names).toEqual(['cat.png']);
  });

  test('where a folder has the manifest’s name is refused', async () => {
    mkdirSync(join(explained.path, 'manifest.jsonl'));
    await expect(explained.read()).rejects.toThrow(
      /manifest\.jsonl is no manifest of onnx-cam explain: it cannot be read/,
    );
  });

  test('that changes while it is read is told', async () => {
    explained.write([result({ input: 'a.png' }), result({ input: 'b.png' })]);
    const source = await readRunFolder(explained.path, { missing: () => {}, warn: () => {}, pictures: undefined });
    explained.write([result({ input: 'b.png' })]);
    await expect(source.photos[1]!.load()).rejects.toThrow(/was changed while it was read; try again/);
    rmSync(join(explained.path, 'manifest.jsonl'));
    await expect(source.photos[0]!.load()).rejects.toThrow(/was changed while it was read; try again/);
  });

  test('shows the first photographs, and counts the others', async () => {
    const of = (input: string, more = {}) => ['m1', 'm2'].map(method => result({ input, method, files: {}, ...more }));
    const tensor = (image: number) => of('b.npy', { image });
    explained.write([...of('c.png'), ...tensor(0), ...tensor(1), ...tensor(2), ...of('a.png')]);
    expect(await explained.read()).toMatchObject({
      names: ['c.png', 'b.npy [0]', 'b.npy [1]', 'b.npy [2]', 'a.png'],
      leftOut: 0,
    });
    const { entries, names, leftOut } = await explained.read(2);
    expect({ names, leftOut }).toEqual({ names: ['c.png', 'b.npy [0]'], leftOut: 3 });
    expect(entries.map(({ photo }) => photo.runs[0]!.results.length)).toEqual([2, 2]);
    expect(await explained.read(0)).toMatchObject({ names: [], leftOut: 5 });
  });
});

describe('the parts of a run', () => {
  const part = (name: string, inputs: readonly string[], changes: object = {}) =>
    explained.write(
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
    expect(await explained.read()).toMatchObject({ names: [...'abcdefgh'], leftOut: 0, warnings: [] });
    for (let most = 0; most <= 8; most++)
      expect(await explained.read(most)).toMatchObject({ names: [...'abcdefgh'].slice(0, most), leftOut: 8 - most });
  });

  test('of a queue are too, some of them without a result', async () => {
    part('0of3', ['a', 'b']);
    part('1of3', []);
    part('2of3', ['c']);
    expect(await explained.read()).toMatchObject({ names: ['a', 'b', 'c'], warnings: [] });
  });

  test('may be missing, which is told', async () => {
    part('2of9', ['a']);
    expect((await explained.read()).warnings).toEqual([
      `8 of 9 parts are not in ${explained.path}: manifest-0of9.jsonl (or 9of9), manifest-1of9.jsonl, manifest-3of9.jsonl, manifest-4of9.jsonl, manifest-5of9.jsonl and 3 more`,
    ]);
    for (const i of [1, 3, 4, 5, 6, 7, 9]) part(`${i}of9`, []);
    expect((await explained.read()).warnings).toEqual([
      `1 of 9 parts are not in ${explained.path}: manifest-8of9.jsonl`,
    ]);
  });

  test.each([
    ['of other counts', ['1of4', '2of8'], /manifest-1of4\.jsonl and manifest-2of8\.jsonl/],
    ['counted from 0 and from 1', ['0of4', '1of4', '4of4'], /manifest-0of4\.jsonl and manifest-4of4\.jsonl/],
  ])('%s are of different runs', async (_, names, message) => {
    for (const name of names) part(name, ['a']);
    await expect(explained.read()).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: expect.stringMatching(message),
    });
  });

  test.each([
    ['another model', { sha256: '0'.repeat(64) }, /of another model/],
    ['other options', { options: { method: ['hirescam'] } }, /with another method/],
  ])('of %s are of different runs', async (_, changes, message) => {
    part('0of2', ['a']);
    part('1of2', ['b'], changes);
    await expect(explained.read()).rejects.toThrow(message);
    await expect(explained.read()).rejects.toThrow(/manifest-0of2\.jsonl and, .*, manifest-1of2\.jsonl: take away/);
  });

  test('and a whole run are different runs', async () => {
    explained.write([result()]);
    part('0of2', ['a']);
    await expect(explained.read()).rejects.toThrow(/manifest\.jsonl and manifest-0of2\.jsonl/);
  });

  test('of two versions are read, with a warning', async () => {
    for (const [i, version] of ['1.0.0', '1.0.0', '1.0.1'].entries())
      part(`${i}of3`, [`${i}.png`], { versions: { 'onnx-cam': version } });
    const { names, warnings } = await explained.read();
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
    explained.write([], name, {});
    explained.write([result()]);
    expect((await explained.read()).names).toEqual(['cat.png']);
  });
});
