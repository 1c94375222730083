import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { type FakeCall, fakeModel, readManifest, runHere, temporaryFolder } from './harness.ts';

let folder: string;
let out: string;
let calls: FakeCall[];
/** Pictures that cannot be explained. */
let bad: string[];
let hash: string;

beforeEach(() => {
  folder = temporaryFolder();
  out = join(folder, 'out');
  [calls, bad, hash] = [[], [], 'the hash'];
  mkdirSync(join(folder, 'in'));
  for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(folder, 'in', `${name}.png`), '');
});

const load = async () => {
  const fake = fakeModel({}, calls);
  return fakeModel({
    sha256: async () => hash,
    explain: async (image, options) => {
      if (bad.some(name => String(image).endsWith(name))) {
        calls.push({ image, options });
        throw new OnnxCamError('ERR_IMAGE_INVALID', 'no picture');
      }
      return fake.explain(image, options);
    },
  });
};

async function explain(...argv: string[]) {
  calls.length = 0;
  const outcome = await runHere(['explain', 'model.onnx', join(folder, 'in'), '-o', out, ...argv], {
    library: { load },
  });
  const done = calls.map(({ image }) => String(image).slice(-5, -4));
  return { ...outcome, done: done.sort().join('') };
}

const lines = () =>
  readManifest(out)
    .results.map(({ input, error }: { input: string; error?: object }) => input.slice(-5, -4) + (error ? '!' : ''))
    .sort();

describe('--resume', () => {
  it('does nothing again where all is there, and says so', async () => {
    await explain();
    const before = readManifest(out).results;
    expect(await explain('--resume')).toMatchObject({
      code: 0,
      done: '',
      stderr: expect.stringContaining('4 inputs done before'),
    });
    expect(readManifest(out).results).toEqual(before);
  });

  it('goes on in the folder of the pictures themselves, whose results are no pictures', async () => {
    const inPlace = [
      'explain',
      'model.onnx',
      join(folder, 'in'),
      '-o',
      join(folder, 'in'),
      '-m',
      'grad-cam,fem',
      '--sheet',
    ];
    expect((await runHere(inPlace, { library: { load } })).code).toBe(0);
    calls.length = 0;
    writeFileSync(join(folder, 'in/e.png'), '');
    const again = await runHere([...inPlace.slice(0, -1), '--resume'], { library: { load } });
    expect(again).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/left out in .*: 17 files that explain wrote/),
    });
    expect(calls.map(({ image }) => String(image).slice(-5))).toEqual(['e.png']);
    const glob = await runHere(['explain', 'model.onnx', join(folder, 'in/*.png'), '-o', out], { library: { load } });
    expect(glob.stderr).toContain('5 results');
  });

  it('does all where nothing is there', async () => {
    expect(await explain('--resume')).toMatchObject({ code: 0, done: 'abcd' });
  });

  it('does again what has no line, or half of one, or misses a file', async () => {
    await explain();
    const path = join(out, 'manifest.jsonl');
    const text = readFileSync(path, 'utf8');
    truncateSync(path, text.length - 20);
    rmSync(join(out, 'b.grad-cam.map.npy'));
    truncateSync(join(out, 'a.grad-cam.overlay.png'), 0);
    expect(await explain('--resume')).toMatchObject({ code: 0, done: 'abd' });
    expect(lines()).toEqual(['a', 'b', 'c', 'd']);
    expect(readManifest(out).results.at(-1)).toMatchObject({ last: true });
  });

  it('does again an input with several results of which some are missing', async () => {
    await explain('-m', 'grad-cam,fem', '-t', 'top2');
    const path = join(out, 'manifest.jsonl');
    const text = readFileSync(path, 'utf8').trimEnd().split('\n');
    writeFileSync(path, `${text.slice(0, -1).join('\n')}\n`);
    expect(await explain('-m', 'grad-cam,fem', '-t', 'top2', '--resume')).toMatchObject({ code: 0, done: 'd' });
    expect(readManifest(out).results).toHaveLength(16);
  });

  it('does what has come, and leaves out what is not asked for any more', async () => {
    await explain();
    writeFileSync(join(folder, 'in/e.png'), '');
    rmSync(join(folder, 'in/a.png'));
    expect(await explain('--resume')).toMatchObject({ code: 0, done: 'e' });
    expect(lines()).toEqual(['b', 'c', 'd', 'e']);
  });

  it('does again what has another name by now', async () => {
    await explain();
    writeFileSync(join(folder, 'in/a.jpg'), '');
    expect(await explain('--resume')).toMatchObject({ code: 0, done: 'aa' });
    expect(readdirSync(out)).toEqual(expect.arrayContaining(['a.jpg.grad-cam.map.npy', 'a.png.grad-cam.map.npy']));
  });

  it('keeps what failed, exits with 1 for it, and does it again with --retry-failed', async () => {
    bad = ['b.png'];
    expect(await explain()).toMatchObject({ code: 1, done: 'abcd' });
    expect(await explain('--resume')).toMatchObject({ code: 1, done: '' });
    expect(lines()).toEqual(['a', 'b!', 'c', 'd']);
    bad = [];
    expect(await explain('--retry-failed')).toMatchObject({ code: 0, done: 'b' });
    expect(lines()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('tries again what every input would have met', async () => {
    const unknown = async () =>
      fakeModel({
        explain: async () => {
          throw new OnnxCamError('ERR_TARGET_UNKNOWN', 'no such class');
        },
      });
    expect(
      (await runHere(['explain', 'm.onnx', join(folder, 'in'), '-o', out], { library: { load: unknown } })).code,
    ).toBe(2);
    expect(await explain('--resume')).toMatchObject({ code: 0, done: 'abcd' });
  });

  it.each([
    ['another model', [], 'of another model'],
    ['another method', ['-m', 'fem'], 'with another method'],
    ['another target', ['-t', 'top2'], 'with another target'],
    ['other files', ['--save', 'map'], 'with another save'],
    ['other labels', ['--labels', 'LABELS'], 'with another labels, files'],
  ])('does all again for %s, with a warning', async (what, argv, difference) => {
    await explain();
    if (what === 'another model') hash = 'another';
    const labels = join(folder, 'labels.txt');
    writeFileSync(labels, 'a\nb\n');
    const { code, done, stderr } = await explain('--resume', ...argv.map(text => (text === 'LABELS' ? labels : text)));
    expect({ code, done }).toEqual({ code: 0, done: 'abcd' });
    expect(stderr).toContain(`were made ${difference}: everything is done again`);
  });

  it('does all again where labels have changed in their file', async () => {
    const labels = join(folder, 'labels.txt');
    writeFileSync(labels, 'a\nb\n');
    await explain('--labels', labels);
    expect(await explain('--labels', labels, '--resume')).toMatchObject({ done: '' });
    writeFileSync(labels, 'a\nc\n');
    expect(await explain('--labels', labels, '--resume')).toMatchObject({ done: 'abcd' });
  });

  it('does all again where a report needs maps that were not saved', async () => {
    await explain('--save', 'overlay');
    expect(await explain('--save', 'overlay', '--resume')).toMatchObject({ done: '' });
    expect(await explain('--save', 'overlay', '--resume', '--report')).toMatchObject({ code: 0, done: 'abcd' });
  });

  it('minds neither threads nor batch size', async () => {
    await explain();
    expect(await explain('--resume', '--threads', '1', '--batch-size', '4')).toMatchObject({ code: 0, done: '' });
  });

  it('goes on behind lines that are none', async () => {
    await explain();
    appendFileSync(join(out, 'manifest.jsonl'), '{"input": 3}\nno json\n[]\n{"input":"x","last":true}\n');
    expect(await explain('--resume')).toMatchObject({ code: 0, done: '' });
    expect(lines()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('replaces what is no manifest, with a warning', async () => {
    mkdirSync(out);
    writeFileSync(join(out, 'manifest.jsonl'), 'my notes\n');
    const { code, stderr } = await explain('--resume');
    expect(code).toBe(0);
    expect(stderr).toContain('were made by something else');
  });
});

describe('--shard', () => {
  it.each([
    ['from 0', ['0/3', '1/3', '2/3']],
    ['from 1', ['1/3', '2/3', '3/3']],
  ])('takes a part of the sorted inputs, all of them together everything once, counted %s', async (_, shards) => {
    const done = [];
    for (const shard of shards) done.push((await explain('--shard', shard)).done);
    expect(done.join('').split('').sort().join('')).toBe('abcd');
    const names = shards.map(shard => `manifest-${shard.replace('/', 'of')}.jsonl`);
    expect(readdirSync(out).filter(name => name.startsWith('manifest'))).toEqual(names);
    expect(names.flatMap(name => readManifest(out, name).results)).toHaveLength(4);
  });

  it('settles names over the whole list', async () => {
    for (const name of ['a.jpg', 'a.webp']) writeFileSync(join(folder, 'in', name), '');
    for (const shard of ['0/5', '1/5', '2/5', '3/5', '4/5']) await explain('--shard', shard, '--save', 'map');
    const maps = readdirSync(out).filter(name => name.startsWith('a.'));
    expect(maps).toEqual(['a.jpg', 'a.png', 'a.webp'].map(name => `${name}.grad-cam.map.npy`));
  });

  it('goes on by itself', async () => {
    await explain('--shard', '0/2');
    rmSync(join(out, 'c.grad-cam.map.npy'));
    expect(await explain('--shard', '0/2', '--resume')).toMatchObject({ done: 'c' });
  });

  it('refuses a folder with another division, or with parts that were made in another way', async () => {
    await explain('--shard', '0/2');
    expect(await explain('--shard', '0/3')).toMatchObject({
      code: 2,
      done: '',
      stderr: expect.stringContaining('manifest-0of2.jsonl'),
    });
    expect(await explain()).toMatchObject({ code: 2, done: '' });
    expect(await explain('--shard', '1/2', '-m', 'fem')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('with another method'),
    });
    expect(await explain('--shard', '1/2')).toMatchObject({ code: 0 });
  });

  it.each([
    ['0/2', '2/2'],
    ['2/2', '0/2'],
  ])('refuses after part %s what is the same part, %s', async (first, second) => {
    await explain('--shard', first);
    expect(await explain('--shard', second)).toMatchObject({
      code: 2,
      done: '',
      stderr: expect.stringContaining(`manifest-${first.replace('/', 'of')}.jsonl of this part under another number`),
    });
  });

  it.each(['4/3', '-1/3', '1/0', '1', 'a/b', '1.5/3', '/3', '1/3/5'])('refuses %s', async text => {
    expect(await explain(`--shard=${text}`)).toMatchObject({ code: 2, stderr: expect.stringContaining('part I of N') });
  });

  it.each(['--report', '--sheet'])('refuses %s, which shows a whole run', async option => {
    expect(await explain('--shard', '0/2', option)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ERR_USAGE'),
    });
  });
});
