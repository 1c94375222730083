import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { readNpy } from '../../lib/io/npy.ts';
import { residualModel } from '../helpers/small-models.ts';
import { expectWhole, makePicture, type Outcome, readManifest, temporaryFolder } from './harness.ts';

/** The command as users start it. */
const COMMAND = resolve('dist/cli/main.js');
const model = residualModel();

let folder: string;
let out: string;

beforeEach(async () => {
  folder = temporaryFolder();
  out = join(folder, 'out');
  writeFileSync(join(folder, 'model.onnx'), model);
  await makePicture(join(folder, 'a.png'), 24, 20);
});

function start(argv: readonly string[]): ChildProcess {
  return spawn(process.execPath, [COMMAND, ...argv], { cwd: folder });
}

async function finish(child: ChildProcess): Promise<Outcome> {
  const text = { stdout: '', stderr: '' };
  child.stdout!.on('data', chunk => (text.stdout += chunk));
  child.stderr!.on('data', chunk => (text.stderr += chunk));
  const [code] = await once(child, 'close');
  return { code, ...text };
}

const run = (...argv: string[]) => finish(start(argv));
const shell = (script: string) => finish(spawn('bash', ['-c', script], { cwd: folder }));

describe('explain', () => {
  it('writes maps of the picture’s size, and a manifest with the model’s hash', async () => {
    const { code, stdout, stderr } = await run(
      ...[
        'explain',
        'model.onnx',
        'a.png',
        '-m',
        'all',
        '-t',
        'top2',
        '-o',
        'out',
        '--save',
        'map,raw,heatmap,overlay',
        '--json',
      ],
    );
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(lines.length).toBeGreaterThan(10);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(`${lines.length} results; see out/manifest.jsonl`);
    const { results, run: about } = readManifest(out);
    expect(results).toHaveLength(lines.length);
    expect(about.sha256).toBe(createHash('sha256').update(model).digest('hex'));
    const atInputSize = ['fullgrad', 'guided-backprop', 'guided-grad-cam'];
    for (const { files, method } of results) {
      expect((await readNpy(join(out, files.map))).dims).toEqual([20, 24]);
      const side = atInputSize.includes(method) ? 16 : 8;
      const { dims } = await readNpy(join(out, files.raw));
      expect(dims.slice(-2)).toEqual([side, side]);
      if (method === 'dff') expect(dims).toHaveLength(3);
      expect(await sharp(join(out, files.overlay)).metadata()).toMatchObject({ width: 24, height: 20, channels: 3 });
    }
    expectWhole(out);
  });
});

describe('a disk that takes no more', () => {
  it('fails the inputs that do not fit, keeps the others, and leaves no half files', async () => {
    await makePicture(join(folder, 'large.png'), 120, 100);
    // A limit on file sizes stands for the full disk: writes fail in the middle of a file. 8 kB hold the small picture's.
    const { code, stderr } = await shell(
      `trap '' XFSZ; ulimit -f 8; exec "${process.execPath}" "${COMMAND}" explain model.onnx large.png a.png -o out --save map,overlay`,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^onnx-cam: ERR_OUTPUT: .*large\.grad-cam/m);
    expect(readdirSync(out).sort()).toEqual(['a.grad-cam.map.npy', 'a.grad-cam.overlay.png', 'manifest.jsonl']);
    expect(readManifest(out).results).toMatchObject([
      { input: 'large.png', error: { code: 'ERR_OUTPUT' } },
      { input: 'a.png', status: 'ok' },
    ]);
    expectWhole(out);
  });
});

describe('standard output on a full disk', () => {
  it('is told in one line; the files and the manifest are written all the same', async () => {
    const { code, stderr } = await shell(
      `exec "${process.execPath}" "${COMMAND}" explain model.onnx a.png -o out --json > /dev/full`,
    );
    expect(code).toBe(1);
    expect(stderr).toContain('onnx-cam: ERR_OUTPUT: cannot write standard output: the disk is full\n');
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(readManifest(out).results).toMatchObject([{ status: 'ok' }]);
    expectWhole(out);
  });
});

describe('a reader that goes away', () => {
  it('is no error', async () => {
    for (let i = 0; i < 8; i++) await makePicture(join(folder, `p${i}.png`), 24, 20);
    const { code, stdout, stderr } = await shell(
      `set -o pipefail; "${process.execPath}" "${COMMAND}" explain model.onnx . -m all -o out --json | head -n 1`,
    );
    expect(JSON.parse(stdout)).toMatchObject({ input: 'a.png' });
    expect(stderr).not.toMatch(/EPIPE|^ {4}at /m);
    expect(code).toBe(0);
    expectWhole(out);
    expect(new Set(readManifest(out).results.map(({ input }: { input: string }) => input)).size).toBe(9);
  });

  it('may leave the table of methods', async () => {
    expect(await shell(`set -o pipefail; "${process.execPath}" "${COMMAND}" methods --json | head -c 1`)).toEqual({
      code: 0,
      stdout: '[',
      stderr: '',
    });
  });
});

describe('an interrupted run', () => {
  it('keeps what was finished, writes the manifest, and exits with 130', async () => {
    for (let i = 0; i < 40; i++) await makePicture(join(folder, `p${i}.png`), 200, 160);
    const child = start(['explain', 'model.onnx', '.', '-m', 'all', '-o', 'out', '--json']);
    child.stdout!.once('data', () => child.kill('SIGINT'));
    const { code, stdout, stderr } = await finish(child);
    expect(code).toBe(130);
    expect(stderr).toMatch(/^onnx-cam: ERR_ABORTED: interrupted after \d+ of 41 inputs/m);
    const manifest = readManifest(out);
    expect(manifest.results).toHaveLength(stdout.trimEnd().split('\n').length);
    expect(manifest.results.length).toBeLessThan(41 * 10);
    expectWhole(out);
  });

  it('exits with 130 when it has hardly begun', async () => {
    // So much to do that it cannot be done before the signal comes, however slow this machine is.
    const inputs = new Array<string>(500).fill('a.png');
    const child = start(['explain', resolve('assets/efficientnet-lite0.onnx'), ...inputs, '-o', 'out']);
    // The folder is made before the model is loaded.
    while (!existsSync(out) && child.exitCode === null) await new Promise(later => setTimeout(later, 2));
    child.kill('SIGINT');
    const { code } = await finish(child);
    expect(code).toBe(130);
    expect(readManifest(out)).toMatchObject({ run: { model: expect.any(String) } });
    expectWhole(out);
  });
});

describe('two runs into one folder', () => {
  it('do not harm each other’s files', async () => {
    for (let i = 0; i < 6; i++) await makePicture(join(folder, `p${i}.png`), 40, 30);
    const methods = ['grad-cam,hirescam', 'grad-cam,fem'];
    const outcomes = await Promise.all(
      methods.map(names => run('explain', 'model.onnx', '.', '-m', names, '-o', 'out')),
    );
    // One after the other both are done; at the same time the later is refused.
    expect(outcomes.map(({ code }) => code)).toContain(0);
    for (const { code, stderr } of outcomes) if (code !== 0) expect(stderr).toContain('is writing manifest.jsonl');
    expectWhole(out);
    for (const name of readdirSync(out)) {
      if (name.endsWith('.npy')) await readNpy(join(out, name));
      if (name.endsWith('.png')) await sharp(join(out, name)).raw().toBuffer();
    }
    // The manifest is that of one of them, whole.
    const used = new Set(readManifest(out).results.map(({ method }: { method: string }) => method));
    expect(methods).toContain([...used].join(','));
  });
});

describe('demo', () => {
  it('prints the predictions and where the overlays are', async () => {
    const { code, stdout } = await run('demo');
    expect(code).toBe(0);
    for (const [name, label] of Object.entries({ cat: 'Egyptian cat', coffee: 'espresso', rocket: 'missile' })) {
      expect(stdout).toContain(label);
      expect(stdout).toContain(join('onnx-cam-out', `${name}.grad-cam.overlay.png`));
      expect(readFileSync(join(folder, 'onnx-cam-out', `${name}.grad-cam.overlay.png`)).length).toBeGreaterThan(1000);
    }
    expect(existsSync(join(folder, 'onnx-cam-out/manifest.jsonl'))).toBe(true);
  });
});
