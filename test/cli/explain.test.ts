import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { formatNpy, readNpy } from '../../lib/io/npy.ts';
import { AliveCounter } from '../helpers/garbage.ts';
import { catFolder, fakeExplanation, fakeModel, readJson, readManifest, runHere } from './harness.ts';

let folder: string;
let out: string;
let picture: string;
const model = 'model.onnx';

beforeEach(() => {
  ({ folder, out, picture } = catFolder());
});

const explain = (argv: readonly string[], options: Parameters<typeof runHere>[1] = {}) =>
  runHere(['explain', model, ...argv, '-o', out], options);

describe('files', () => {
  it('are overlay, map and manifest by default', async () => {
    expect(await explain([picture])).toMatchObject({ code: 0, stdout: '' });
    expect(readdirSync(out).sort()).toEqual(['cat.grad-cam.map.npy', 'cat.grad-cam.overlay.png', 'manifest.jsonl']);
    expect(await readNpy(join(out, 'cat.grad-cam.map.npy'))).toEqual({ data: Float32Array.of(0, 1), dims: [1, 2] });
    expect(await sharp(join(out, 'cat.grad-cam.overlay.png')).metadata()).toMatchObject({ width: 2, height: 1 });
  });

  it('are those of --save, under the method’s canonical name', async () => {
    await explain([picture, '-m', 'GradCAM++', '--save', 'raw,heatmap']);
    expect(readdirSync(out).sort()).toEqual(['cat.grad-cam++.heatmap.png', 'cat.grad-cam++.raw.npy', 'manifest.jsonl']);
    expect((await readNpy(join(out, 'cat.grad-cam++.raw.npy'))).data).toEqual(Float32Array.of(-3, 4));
  });

  it('have the class index where there are several targets, and the number where there are several images', async () => {
    const tensor = join(folder, 'batch.npy');
    writeFileSync(tensor, Buffer.concat(formatNpy({ data: new Float32Array(2 * 3 * 4), dims: [2, 3, 2, 2] })));
    await explain([tensor, '-m', 'grad-cam,hirescam', '-t', 'top2', '--save', 'map']);
    const names = [0, 1].flatMap(image =>
      ['grad-cam', 'hirescam'].flatMap(method =>
        [280, 281].map(target => `batch.${image}.t${target}.${method}.map.npy`),
      ),
    );
    expect(readdirSync(out).sort()).toEqual([...names, 'manifest.jsonl'].sort());
    expect(readManifest(out).results.map((result: { image: number }) => result.image)).toEqual([
      0, 0, 0, 0, 1, 1, 1, 1,
    ]);
  });

  it('have no number for a tensor of one image', async () => {
    const tensor = join(folder, 'one.npy');
    writeFileSync(tensor, Buffer.concat(formatNpy({ data: new Float32Array(12), dims: [1, 3, 2, 2] })));
    await explain([tensor, '--save', 'map']);
    expect(readdirSync(out)).toContain('one.grad-cam.map.npy');
  });

  it('of equal stems have the extension', async () => {
    mkdirSync(join(folder, 'other'));
    writeFileSync(join(folder, 'other/cat.jpg'), '');
    await explain([picture, join(folder, 'other'), '--save', 'map']);
    expect(readdirSync(out).sort()).toEqual(['cat.jpg.grad-cam.map.npy', 'cat.png.grad-cam.map.npy', 'manifest.jsonl']);
  });

  it('of subfolders lie in such ones, and the manifest says so', async () => {
    mkdirSync(join(folder, 'all/sub/deep'), { recursive: true });
    writeFileSync(join(folder, 'all/cat.jpg'), '');
    writeFileSync(join(folder, 'all/sub/deep/cat.jpg'), '');
    await explain([join(folder, 'all'), '--save', 'map']);
    const { results } = readManifest(out);
    expect(results.map(({ files }: { files: { map: string } }) => files.map)).toEqual([
      'cat.grad-cam.map.npy',
      'sub/deep/cat.grad-cam.map.npy',
    ]);
    expect(existsSync(join(out, 'sub/deep/cat.grad-cam.map.npy'))).toBe(true);
  });

  it('of subfolders fail alone where a file is in the way', async () => {
    mkdirSync(join(folder, 'all/sub'), { recursive: true });
    for (const name of ['a.jpg', 'sub/b.jpg']) writeFileSync(join(folder, 'all', name), '');
    mkdirSync(out);
    writeFileSync(join(out, 'sub'), '');
    const { code, stderr } = await explain([join(folder, 'all'), '--save', 'map']);
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_OUTPUT');
    expect(existsSync(join(out, 'a.grad-cam.map.npy'))).toBe(true);
  });
});

it('no explanation is held once its files are written', async () => {
  const names = Array.from({ length: 61 }, (_, i) => join(folder, `${i}.png`));
  for (const name of names) writeFileSync(name, '');
  const alive = new AliveCounter();
  const most: number[] = [];
  let count = 0;
  const load = async () =>
    fakeModel({
      explain: async () => {
        if (++count % 20 === 0) most.push(await alive.count());
        const explanation = fakeExplanation({ map: { data: new Float32Array(2), width: 2, height: 1 } });
        alive.show(explanation.map);
        return [explanation];
      },
    });
  expect(await explain(names, { library: { load } })).toMatchObject({ code: 0 });
  expect(most).toHaveLength(3);
  // One being saved, two being explained, one that waits.
  expect(Math.max(...most)).toBeLessThan(6);
});

describe('the manifest', () => {
  it('says everything but pixels, with versions and the model’s hash', async () => {
    await explain([picture, join(folder, 'missing*.jpg')]);
    const manifest = readManifest(out);
    expect(manifest.run.versions).toMatchObject({
      'onnx-cam': readJson('package.json').version,
      node: process.versions.node,
      onnxruntime: expect.stringMatching(/^1\./),
    });
    expect(manifest.run).toMatchObject({
      model,
      sha256: 'the hash',
      started: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    const [result, failed] = manifest.results;
    expect(result).toMatchObject({
      input: picture,
      method: 'grad-cam',
      target: { index: 281, probability: 0.25 },
      predictions: [{ index: 281 }],
      layer: { name: 'last', shape: [1, 32, 7, 7], reason: 'the last one' },
      status: 'ok',
      precision: 'fp32',
      timings: { total: 10 },
      files: { map: 'cat.grad-cam.map.npy', overlay: 'cat.grad-cam.overlay.png' },
    });
    expect(JSON.stringify(result)).not.toContain('data');
    expect(failed).toEqual({
      input: join(folder, 'missing*.jpg'),
      error: { code: 'ERR_IMAGE_NOT_FOUND', message: expect.stringContaining('no file matches') },
    });
  });

  it('is replaced by a second run', async () => {
    await explain([picture]);
    await explain([picture, '-m', 'hirescam']);
    const { results } = readManifest(out);
    expect(results.map((result: { method: string }) => result.method)).toEqual(['hirescam']);
  });
});

describe('--json', () => {
  it('prints an object per line, also for failures, and nothing else', async () => {
    const { code, stdout, stderr } = await explain([picture, join(folder, '*.gif'), '-m', 'grad-cam,fem', '--json']);
    expect(code).toBe(1);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(lines).toHaveLength(3);
    expect(Object.keys(lines[0])).toEqual([
      'input',
      'method',
      'target',
      'predictions',
      'layer',
      'status',
      'reason',
      'files',
      'timings',
    ]);
    expect(lines.map(line => line.method)).toEqual(['grad-cam', 'fem', undefined]);
    expect(existsSync(lines[0].files.overlay)).toBe(true);
    expect(lines[2].error.code).toBe('ERR_IMAGE_NOT_FOUND');
    expect(stderr).toContain('class 281');
  });
});

describe('failures', () => {
  const failing = (code: 'ERR_IMAGE_INVALID' | 'ERR_TARGET_RANGE' | 'ERR_NO_GRADIENT') => ({
    load: async () => {
      const model = fakeModel();
      return fakeModel({
        explain: async (image, options) => {
          if (String(image).includes('bad')) throw new OnnxCamError(code, `trouble with ${image}`);
          return model.explain(image, options);
        },
      });
    },
  });

  it('of one input leave the others: exit 1', async () => {
    const bad = join(folder, 'bad.png');
    writeFileSync(bad, '');
    const { code, stderr } = await explain([bad, picture], { library: failing('ERR_IMAGE_INVALID') });
    expect(code).toBe(1);
    expect(stderr).toContain(`onnx-cam: ERR_IMAGE_INVALID: trouble with ${bad}\n`);
    expect(stderr).toContain('1 result, 1 of 2 inputs failed');
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(existsSync(join(out, 'cat.grad-cam.map.npy'))).toBe(true);
  });

  it.each(['ERR_TARGET_RANGE', 'ERR_NO_GRADIENT'] as const)(
    'that meet every input alike (%s) end it: exit 2',
    async code => {
      const bad = join(folder, 'bad.png');
      writeFileSync(bad, '');
      const outcome = await explain([bad, picture, '--json'], { library: failing(code) });
      expect(outcome.code).toBe(2);
      expect(JSON.parse(outcome.stdout)).toMatchObject({ input: bad, error: { code } });
    },
  );

  it('of the model come before any input, and leave no folder: exit 2', async () => {
    const load = async () => {
      throw new OnnxCamError('ERR_MODEL_NOT_FOUND', 'no model at model.onnx');
    };
    const { code, stderr } = await explain([picture], { library: { load } });
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'onnx-cam: ERR_MODEL_NOT_FOUND: no model at model.onnx\n' });
    expect(existsSync(out)).toBe(false);
  });

  it('of the output folder come before the model is loaded: exit 2', async () => {
    let isLoaded = false;
    const load = async () => {
      isLoaded = true;
      return fakeModel();
    };
    // Permissions do not stop root: a folder below a file can be made by nobody.
    const { code, stderr } = await runHere(['explain', model, picture, '-o', join(picture, 'out')], {
      library: { load },
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^onnx-cam: ERR_OUTPUT: cannot write .*\n$/);
    expect(isLoaded).toBe(false);
  });

  // Where nothing can be made though all is there above it.
  it.runIf(process.platform === 'linux').each([
    ['explain', model, 'cat.png', '-o', '/proc/x'],
    ['demo', '-o', '/proc/self/x'],
  ])('of the output folder end it at once: %s', async (...argv) => {
    const { code, stderr } = await runHere(argv);
    expect(stderr).toBe(`onnx-cam: ERR_OUTPUT: cannot write to the folder ${argv.at(-1)}: nothing can be made there\n`);
    expect(code).toBe(2);
  });

  it('to write a file belong to that result; the others go on: exit 1', async () => {
    // A folder in the way of the file.
    mkdirSync(join(out, 'cat.grad-cam.overlay.png'), { recursive: true });
    const { code, stderr } = await explain([picture, '-m', 'grad-cam,fem']);
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_OUTPUT');
    expect(
      readdirSync(out)
        .filter(name => name !== 'cat.grad-cam.overlay.png')
        .sort(),
    ).toEqual(['cat.fem.map.npy', 'cat.fem.overlay.png', 'manifest.jsonl']);
    expect(readManifest(out).results).toMatchObject([
      { input: picture, method: 'grad-cam', error: { code: 'ERR_OUTPUT' } },
      { input: picture, method: 'fem', status: 'ok' },
    ]);
  });

  it('to write the manifest: exit 2, before any work', async () => {
    mkdirSync(join(out, 'manifest.jsonl'), { recursive: true });
    const { code, stderr } = await explain([picture]);
    expect(code).toBe(2);
    expect(readdirSync(out)).toEqual(['manifest.jsonl']);
    expect(stderr).toMatch(/ERR_OUTPUT: cannot write .*manifest\.jsonl/);
  });

  it('show their stack with --debug', async () => {
    const bad = join(folder, 'bad.png');
    writeFileSync(bad, '');
    const { stderr } = await explain([bad, '--debug'], { library: failing('ERR_IMAGE_INVALID') });
    expect(stderr).toContain(`onnx-cam: ERR_IMAGE_INVALID: trouble with ${bad}\n`);
    expect(stderr).toMatch(/^ {4}at /m);
  });
});

describe('the layer', () => {
  it('is announced once with its reason, and named where another was used', async () => {
    const other = { name: 'stem', shape: [8, 16, 16], reason: 'chosen' };
    const load = async () =>
      fakeModel({
        explain: async () => [fakeExplanation(), fakeExplanation({ method: 'fem', layer: other }), fakeExplanation()],
      });
    const { stderr } = await explain([picture], { library: { load } });
    const [announced, ...lines] = stderr.split('\n');
    expect(announced).toBe('layer last [1×32×7×7]: the last one');
    expect(lines.slice(0, 3).map(line => / at (\S+)/.exec(line)?.[1])).toEqual([undefined, 'stem', undefined]);
  });
});

describe('maps that say nothing', () => {
  it('print a warning and the exit code stays 0', async () => {
    const load = async () =>
      fakeModel({
        explain: async () => [
          fakeExplanation({ status: 'zero', reason: 'every value is zero', warnings: ['torchcam has no FEM'] }),
        ],
      });
    const second = join(folder, 'dog.png');
    writeFileSync(second, '');
    const { code, stderr } = await explain([picture, second], { library: { load } });
    expect(code).toBe(0);
    expect(stderr).toContain(`onnx-cam: warning: ${picture}: grad-cam: the map is zero: every value is zero\n`);
    // What holds for the method is said once.
    expect(stderr.split('torchcam has no FEM')).toHaveLength(2);
  });
});

it('names the first and the last of many layers', async () => {
  const layer = Array.from({ length: 7 }, (_, n) => ({ name: `conv${n}`, shape: [8, 7, 7], reason: 'has a bias' }));
  const explanations = [fakeExplanation(), fakeExplanation({ method: 'fullgrad', layer })];
  const { stderr } = await explain([picture, '-m', 'grad-cam,fullgrad'], {
    library: { load: async () => fakeModel({ explain: async () => explanations }) },
  });
  expect(stderr).toMatch(/at 7 layers, conv0 … conv6 +→/);
});

describe('the progress bar', () => {
  it('is drawn on a terminal only, and result lines stay whole', async () => {
    expect((await explain([picture])).stderr).not.toContain('1/1');
    const { stderr } = await explain([picture], { terminals: ['stdout', 'stderr'] });
    expect(stderr).toContain('0/1');
    expect(stderr).toContain(`→ ${join(out, 'cat.grad-cam.overlay.png')}\n`);
  });
});

it('draws no progress bar into JSON lines on the same terminal', async () => {
  expect((await explain([picture, '--json'], { terminals: ['stderr'] })).stderr).toContain('0/1');
  expect((await explain([picture, '--json'], { terminals: ['stdout', 'stderr'] })).stderr).not.toContain('0/1');
});

it('reads a file name with control characters without letting them out', async () => {
  const evil = join(folder, 'a\n\x1b[2Jb.png');
  writeFileSync(evil, '');
  const { stderr } = await explain([evil]);
  expect(stderr).not.toContain('\x1b');
  expect(readFileSync(join(out, 'manifest.jsonl'), 'utf8')).toContain('a\\n\\u001b[2Jb.png');
});
