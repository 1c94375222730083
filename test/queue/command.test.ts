import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { fakeModel, readManifest, runHere, temporaryFolder } from '../cli/harness.ts';
import { SERVERS, type TestServer } from './servers.ts';

describe.each(SERVERS)('the commands of a queue on $name', ({ missing, start }) => {
  if (missing) {
    it.skip(missing, () => {});
    return;
  }
  let server: TestServer;
  let folder: string;
  let out: string;
  /** Pictures that cannot be explained. */
  let bad: string[];
  const sha256 = 'a'.repeat(64);

  beforeAll(async () => {
    server = await start();
  }, 60_000);
  afterAll(() => server?.stop());
  beforeEach(async () => {
    folder = temporaryFolder();
    out = join(folder, 'out');
    bad = [];
    mkdirSync(join(folder, 'in'));
    for (const name of ['a', 'b', 'c', 'd', 'e']) writeFileSync(join(folder, 'in', `${name}.png`), '');
    await command('queue', 'drain', '--done');
  });

  const load = async () => {
    const fake = fakeModel();
    return fakeModel({
      sha256: async () => sha256,
      explain: async (image, options) => {
        if (bad.some(name => String(image).endsWith(name))) throw new OnnxCamError('ERR_IMAGE_INVALID', 'no picture');
        return fake.explain(image, options);
      },
    });
  };
  const command = (...argv: string[]) => runHere([...argv, '--queue', server.url], { library: { load } });
  const enqueue = (...argv: string[]) =>
    command('explain', 'model.onnx', join(folder, 'in'), '-o', out, '--chunk', '2', ...argv);
  const work = () => command('worker', '--exit-when-empty');
  const status = async () => JSON.parse((await command('queue', 'status', '--json')).stdout);
  const inputsOf = (name: string) => readManifest(out, name).results.map(({ stem }: { stem: string }) => stem);

  it('do what explain does, in parts', async () => {
    expect(await enqueue()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('5 inputs in 3 chunks: 3 enqueued'),
    });
    expect((await status()).pictures).toMatchObject({ total: 5, waiting: 5, done: 0 });
    expect(await enqueue()).toMatchObject({ code: 0, stderr: expect.stringContaining('0 enqueued') });
    expect(await work()).toMatchObject({ code: 0 });
    expect((await status()).pictures).toMatchObject({ total: 5, waiting: 0, done: 5, failed: 0 });
    expect(readdirSync(out).filter(name => name.endsWith('.jsonl'))).toEqual(
      [0, 1, 2].map(index => `manifest-${index}of3.jsonl`),
    );
    expect([0, 1, 2].flatMap(index => inputsOf(`manifest-${index}of3.jsonl`))).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect((await runHere(['report', out])).code).toBe(0);
  });

  it('do again what failed, and nothing else', async () => {
    bad = ['b.png', 'e.png'];
    await enqueue();
    expect(await work()).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_IMAGE_INVALID') });
    expect(await command('queue', 'status')).toMatchObject({ code: 1 });
    expect((await status()).pictures).toMatchObject({ done: 3, failed: 2 });
    bad = [];
    expect(await command('queue', 'retry-failed')).toMatchObject({
      stderr: expect.stringContaining('2 chunks put back'),
    });
    const before = readManifest(out, 'manifest-1of3.jsonl');
    expect(await work()).toMatchObject({ code: 0 });
    expect((await status()).pictures).toMatchObject({ total: 5, done: 5, failed: 0 });
    expect(readManifest(out, 'manifest-1of3.jsonl')).toEqual(before);
    expect(inputsOf('manifest-0of3.jsonl').sort()).toEqual(['a', 'b']);
    expect(await command('queue', 'retry-failed')).toMatchObject({
      stderr: expect.stringContaining('0 chunks put back'),
    });
  });

  it('refuse a folder with results that were made in another way, or divided in another way', async () => {
    await enqueue();
    await work();
    expect(await enqueue('-m', 'fem')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('with another method'),
    });
    expect(await enqueue('--chunk', '3')).toMatchObject({ code: 2, stderr: expect.stringContaining('of another run') });
  });

  it('leave a part as it is that another run has begun after they were enqueued', async () => {
    await enqueue('-m', 'fem');
    for (const part of ['0/3', '1/3', '2/3'])
      await runHere(['explain', 'model.onnx', join(folder, 'in'), '-o', out, '--shard', part], { library: { load } });
    const before = readManifest(out, 'manifest-0of3.jsonl');
    expect(await work()).toMatchObject({ code: 2, stderr: expect.stringContaining('with another method') });
    expect(readManifest(out, 'manifest-0of3.jsonl')).toEqual(before);
  });

  it('try a chunk again whose results cannot be written, but for a picture whose own file cannot', async () => {
    await enqueue();
    mkdirSync(join(out, 'a.grad-cam.map.npy'), { recursive: true });
    expect(await work()).toMatchObject({ code: 1, stderr: expect.stringContaining('is a folder') });
    expect((await status()).pictures).toMatchObject({ done: 4, failed: 1 });
    await command('queue', 'drain', '--done');
    rmSync(out, { recursive: true });
    await enqueue();
    writeFileSync(out, 'a file in the way');
    expect(await work()).toMatchObject({ code: 2, stderr: expect.stringContaining('ERR_OUTPUT') });
    expect((await status()).pictures).toMatchObject({ done: 0, failed: 0, waiting: 5 });
  });

  it.each([
    [['--shard', '1/2'], '--shard and --queue'],
    [['--report'], 'onnx-cam report'],
    [['--resume'], '--resume'],
    [['--threads', '2'], 'onnx-cam worker'],
  ])('refuse %j with the reason', async (argv, reason) => {
    expect(await enqueue(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(reason) });
  });
});
