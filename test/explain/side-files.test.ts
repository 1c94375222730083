import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../lib/common/errors.ts';
import { readNpy } from '../../lib/io/npy.ts';
import { load } from '../../lib/load.ts';
import type { LoadOptions } from '../../lib/options.ts';
import { graph } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, plainModel } from '../helpers/explain-models.ts';

/** A model may come from anywhere, and with it what lies beside it. */

const image = noiseImage([1, 3, 16, 16]);
const SECRET = 'root:x:0:0\nb\nc\nd\ne\n';
let folder = '';
let model = '';
const at = (...names: string[]) => join(folder, ...names);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-cam-side-'));
  mkdirSync(at('models', 'data'), { recursive: true });
  model = at('models', 'model.onnx');
  writeFileSync(model, plainModel());
  writeFileSync(at('secret'), SECRET);
});
afterEach(() => rmSync(folder, { recursive: true }));

async function labelOf(options: LoadOptions = {}, path = model): Promise<string | null> {
  const cam = await load(path, options);
  try {
    const [first] = await cam.predict(image);
    return first!.label;
  } finally {
    await cam.dispose();
  }
}

const sidecar = (value: unknown) => writeFileSync(`${model}.json`, JSON.stringify(value));
const refused = (...says: RegExp[]) => expectError(() => load(model), 'ERR_OPTION_INVALID', ...says);

describe('labels that the file beside the model names', () => {
  it('are read inside its folder', async () => {
    writeFileSync(at('models', 'data', 'names.txt'), '\uFEFFone\r\none\r\none\r\none\r\none\r\n');
    sidecar({ labels: 'data/names.txt' });
    expect(await labelOf()).toBe('one');
  });

  it('are read nowhere else', async () => {
    symlinkSync(at('secret'), at('models', 'link.txt'));
    symlinkSync(folder, at('models', 'up'));
    for (const labels of ['../secret', at('secret'), 'link.txt', 'up/secret', 'data/../../secret']) {
      sidecar({ labels });
      await refused(/inside the model's own folder/);
    }
  });

  it('are not asked for where the user gives others', async () => {
    sidecar({ labels: '../secret' });
    expect(await labelOf({ labels: ['own', 'own', 'own', 'own', 'own'] })).toBe('own');
  });

  it('are an ordinary file of a few megabytes at most', async () => {
    sidecar({ labels: 'data' });
    await refused(/folder/);
    writeFileSync(at('models', 'huge.txt'), '');
    truncateSync(at('models', 'huge.txt'), 2 ** 36);
    sidecar({ labels: 'huge.txt' });
    await refused(/68719476736 bytes/);
    sidecar({ labels: 'none.txt' });
    await refused(/none\.txt/);
  });
});

describe('the file beside the model', () => {
  it('is not a link to somewhere else, and nothing of that is told', async () => {
    symlinkSync(at('secret'), `${model}.json`);
    const { message } = await refused(/leads out/);
    expect(message).not.toContain('root');
  });

  it('is an ordinary file of a few megabytes at most', async () => {
    mkdirSync(`${model}.json`);
    await refused(/folder/);
    rmSync(`${model}.json`, { recursive: true });
    writeFileSync(`${model}.json`, '');
    truncateSync(`${model}.json`, 2 ** 36);
    await refused(/68719476736 bytes/);
  });

  it('may hold anything: deep nesting and long keys are refused as other nonsense', async () => {
    writeFileSync(`${model}.json`, `{"labels": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`);
    await refused(/"labels" must be/);
    writeFileSync(`${model}.json`, `{"preprocess": {"mean": ${'['.repeat(200_000)}${']'.repeat(200_000)}}}`);
    await refused(/preprocess in .*mean needs finite numbers/);
    for (const size of [
      [-5, 0],
      [1, 2, 3],
      ['1', '1'],
      [1e9, 1],
    ]) {
      sidecar({ preprocess: { size } });
      await refused(/size needs \[width, height\]/);
    }
    sidecar({ ['x'.repeat(4_000_000)]: 1 });
    expect((await refused(/unknown key/)).message.length).toBeLessThan(400);
  });
});

describe('labels that the user gives', () => {
  it('may be anywhere', async () => {
    expect(SECRET).toContain(await labelOf({ labels: at('secret') }));
    symlinkSync(at('secret'), at('link'));
    expect(SECRET).toContain(await labelOf({ labels: at('link') }));
  });

  it('may be many alike', async () => {
    writeFileSync(at('many.txt'), 'same, Same\n'.repeat(300_000));
    expect(await labelOf({ labels: at('many.txt') })).toBe('same, Same');
  });
});

describe.skipIf(process.platform === 'win32')('FIFOs and devices are refused, and not waited for', () => {
  const fifo = (...names: string[]) => {
    execFileSync('mkfifo', [at(...names)]);
    return at(...names);
  };

  it('as a labels file of the file beside the model', async () => {
    fifo('models', 'fifo.txt');
    sidecar({ labels: 'fifo.txt' });
    await refused(/FIFO/);
  });

  it('as the file beside the model', async () => {
    fifo('models', 'model.onnx.json');
    await refused(/FIFO/);
  });

  it.each<[what: string, code: ErrorCode, task: (path: string) => Promise<unknown>]>([
    ['labels', 'ERR_OPTION_INVALID', path => load(model, { labels: path })],
    ['a model', 'ERR_MODEL_INVALID', path => load(path)],
    ['a scoring graph', 'ERR_MODEL_INVALID', path => explain(image, { target: graph(path) })],
    ['a picture', 'ERR_IMAGE_INVALID', path => explain(path)],
    ['an array', 'ERR_IMAGE_INVALID', path => readNpy(path)],
  ])('as %s', async (_, code, task) => {
    await expectError(() => task(fifo('fifo')), code, /FIFO/);
    await expectError(() => task('/dev/zero'), code, /device/);
  });

  async function explain(...args: Parameters<Awaited<ReturnType<typeof load>>['explain']>): Promise<void> {
    const cam = await load(model);
    try {
      await cam.explain(...args);
    } finally {
      await cam.dispose();
    }
  }
});

describe('addresses that are none', () => {
  it.each(['file://host/model.onnx', 'http://[', 'file:///%00', 'x://'])('%s', async address => {
    await expectError(() => load(address), 'ERR_MODEL_NOT_FOUND');
    const cam = await load(model);
    await expectError(() => cam.explain(address), address === 'x://' ? 'ERR_IMAGE_NOT_FOUND' : 'ERR_IMAGE_INVALID');
    await cam.dispose();
  });
});
