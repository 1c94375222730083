import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { QueueStatus } from '../../lib/queue/status.ts';
import { residualModel } from '../helpers/small-models.ts';
import { until } from '../queue/harness.ts';
import { SERVERS, type TestServer } from '../queue/servers.ts';
import { makePicture, type Outcome, temporaryFolder } from './harness.ts';

const COMMAND = resolve('dist/cli/main.js');

let folder: string;

beforeEach(async () => {
  folder = temporaryFolder();
  writeFileSync(join(folder, 'net.onnx'), residualModel());
  mkdirSync(join(folder, 'pictures'));
  for (const name of ['a', 'b', 'c', 'd', 'e']) await makePicture(join(folder, 'pictures', `${name}.png`), 24, 20);
});

class Command {
  readonly child: ChildProcess;
  readonly text = { stdout: '', stderr: '' };
  readonly ended: Promise<Outcome>;

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv = {}, node: readonly string[] = []) {
    this.child = spawn(process.execPath, [...node, COMMAND, ...argv], {
      cwd: folder,
      env: { ...process.env, ONNX_CAM_QUEUE: undefined, ...env },
    });
    this.child.stdout!.on('data', chunk => (this.text.stdout += chunk));
    this.child.stderr!.on('data', chunk => (this.text.stderr += chunk));
    this.ended = once(this.child, 'close').then(([code]) => ({ code, ...this.text }));
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }
}

const run = (argv: readonly string[], env?: NodeJS.ProcessEnv) => new Command(argv, env).ended;

const EXPLAIN = ['explain', 'net.onnx', 'pictures', '--mean', '0.5,0.5,0.5', '--std', '1,1,1', '-o', 'out'];

it.each<[string[], RegExp]>([
  [[...EXPLAIN, '--queue'], /ERR_USAGE: which queue\? .*ONNX_CAM_QUEUE/],
  [[...EXPLAIN, '--queue', 'http://h'], /ERR_QUEUE: .*redis, rediss or postgres/],
  [[...EXPLAIN, '--queue', 'redis://127.0.0.1:1'], /ERR_QUEUE: .*redis:\/\/127\.0\.0\.1:1 .*ECONNREFUSED/],
  [[...EXPLAIN, '--queue', 'redis://h', '--shard', '0/2'], /ERR_USAGE: --shard and --queue/],
  [[...EXPLAIN, '--queue', 'redis://h', '--report'], /ERR_USAGE: .*onnx-cam report/],
  [[...EXPLAIN, '--queue', 'redis://h', '--resume'], /ERR_USAGE: .*--resume/],
  [[...EXPLAIN, '--queue', 'redis://h', '--threads', '2'], /ERR_USAGE: --threads .*onnx-cam worker/],
  [[...EXPLAIN, '--queue', 'redis://h', '--chunk', '0'], /ERR_USAGE: .*--chunk/],
  [[...EXPLAIN, '--chunk', '5'], /ERR_USAGE: --chunk .*--queue/],
  [['worker'], /ERR_USAGE: which queue\?/],
  [['queue', 'status'], /ERR_USAGE: which queue\?/],
  [
    ['queue', 'status', '--queue', 'postgres://anna:geheim@127.0.0.1:1/jobs'],
    /ERR_QUEUE: .*postgres:\/\/127\.0\.0\.1:1\/jobs/,
  ],
  [['queue', 'look'], /ERR_USAGE/],
])('%j is refused', async (argv, message) => {
  const { code, stdout, stderr } = await run(argv);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain('geheim');
  expect(existsSync(join(folder, 'out'))).toBe(false);
});

it.each([
  ['bullmq', 'redis://h', 'npm install bullmq@6 ioredis'],
  ['ioredis', 'redis://h', 'npm install bullmq@6 ioredis'],
  ['bullmq', 'postgres://h/x', 'npm install bullmq@6 pg'],
  ['pg', 'postgres://h/x', 'npm install bullmq@6 pg'],
])('without %s, of %s, it says what to install', async (name, url, install) => {
  const loader = `export async function resolve(specifier, context, next) {
  if (specifier === '${name}') throw Object.assign(new Error("Cannot find package '${name}'"), { code: 'ERR_MODULE_NOT_FOUND' });
  return next(specifier, context);
}`;
  const hooks = join(folder, 'hooks.mjs');
  const source = `data:text/javascript,${encodeURIComponent(loader).replaceAll("'", '%27')}`;
  writeFileSync(hooks, `import { register } from 'node:module';\nregister('${source}');`);
  const { code, stderr } = await new Command(['worker', '--queue', url], {}, ['--import', pathToFileURL(hooks).href])
    .ended;
  expect(code).toBe(2);
  expect(stderr).toBe(
    `onnx-cam: ERR_QUEUE: queues need packages that are installed for them alone: ${install} (Cannot find package '${name}')\n`,
  );
});

it('does not enqueue because of the variable alone', async () => {
  const { code } = await run([...EXPLAIN, '--save', 'map'], { ONNX_CAM_QUEUE: 'redis://127.0.0.1:1' });
  expect(code).toBe(0);
  expect(existsSync(join(folder, 'out', 'a.grad-cam.map.npy'))).toBe(true);
});

describe.each(SERVERS)('on $name', ({ missing, start }) => {
  if (missing !== undefined) {
    it.skip(`is not tried: ${missing}`, () => {});
    return;
  }
  let server: TestServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  it('goes from explain through workers to a report', async () => {
    const env = { ONNX_CAM_QUEUE: server.url };
    const status = async () => JSON.parse((await run(['queue', 'status', '--json'], env)).stdout) as QueueStatus;
    writeFileSync(join(folder, 'pictures', 'bad.png'), 'no picture');
    const explain = [...EXPLAIN, 'none.png', '--boxes', '--queue', '--chunk', '3'];
    const first = await run(explain, env);
    expect(first.code).toBe(0);
    expect(first.stderr).toContain('7 inputs in 3 chunks: 3 enqueued\n');
    expect((await run([...explain, '--json'], env)).stdout).toBe(
      '{"enqueued":{"inputs":7,"chunks":{"added":0,"waiting":3,"inWork":0,"done":0,"failed":0}}}\n',
    );
    const follow = new Command(['queue', 'status', '--follow', '--json'], env);
    await until(
      () => follow.text.stdout.includes('\n'),
      () => 'the first standing',
    );
    const worker = await run(['worker', '--threads', '1', '--exit-when-empty'], env);
    expect(worker.code).toBe(1);
    expect(worker.stderr).toMatch(/ERR_IMAGE_INVALID: .*bad\.png/);
    expect(worker.stderr).toMatch(/ERR_IMAGE_NOT_FOUND: .*none\.png/);

    const pictures = { total: 7, waiting: 0, done: 5, failed: 2, left: 0 };
    expect(await status()).toEqual({
      chunks: { waiting: 0, inWork: 0, done: 3, failed: 0 },
      pictures,
      failures: [],
      workers: 0,
    });
    // What followed it ends by itself, and has seen the same.
    const { code, stdout } = await follow.ended;
    expect(code).toBe(1);
    const seen = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as QueueStatus);
    expect(seen[0]).toMatchObject({ chunks: { waiting: 3 }, pictures: { total: 7, waiting: 7 } });
    expect(seen.at(-1)).toMatchObject({ chunks: { done: 3 }, pictures });

    const parts = [0, 1, 2].map(part => readFileSync(join(folder, 'out', `manifest-${part}of3.jsonl`), 'utf8'));
    const lines = parts.flatMap(part => part.trimEnd().split('\n').slice(1));
    expect(lines.map(line => JSON.parse(line).input).sort()).toEqual(
      [...['a', 'b', 'bad', 'c', 'd', 'e'].map(name => join(folder, 'pictures', `${name}.png`)), 'none.png'].sort(),
    );
    expect((await run(['report', 'out'])).code).toBe(0);
    expect(existsSync(join(folder, 'out', 'index.html'))).toBe(true);

    expect((await run(['queue', 'drain', '--done'], env)).stderr).toContain('3 chunks taken out');
    expect((await status()).chunks.done).toBe(0);
  });

  it('tells what the model cannot do before anything is enqueued', async () => {
    const env = { ONNX_CAM_QUEUE: server.url };
    const { code, stderr } = await run([...EXPLAIN, '--queue', '-l', 'nowhere'], env);
    expect(code).toBe(2);
    expect(stderr).toContain('ERR_LAYER_NOT_FOUND');
    expect((await run(['queue', 'drain'], env)).stderr).toContain('0 chunks taken out');
  });

  it('tells which chunks failed, and why, and puts them back', async () => {
    const env = { ONNX_CAM_QUEUE: server.url };
    const labels = join(folder, 'labels.txt');
    writeFileSync(labels, 'a\nb\nc\nd\ne\n');
    await run([...EXPLAIN, '--queue', '--labels', 'labels.txt'], env);
    rmSync(labels);
    const failed = await run(['worker', '--exit-when-empty'], env);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/ERR_OPTION_INVALID: .*labels\.txt/);
    const status = await run(['queue', 'status'], env);
    expect(status.code).toBe(1);
    expect(status.stdout).toMatch(/^chunks +0 +0 +0 +1\npictures +0 +0 +5\n/m);
    expect(status.stderr).toMatch(/^failed: 0of1-[0-9a-f]{32} \(5 inputs for .*out\): ERR_OPTION_INVALID: /);
    expect((await run(['queue', 'retry-failed'], env)).stderr).toContain('1 chunk put back');
    writeFileSync(labels, 'a\nb\nc\nd\ne\n');
    expect((await run(['worker', '--exit-when-empty'], env)).code).toBe(0);
    expect((await run(['queue', 'status'], env)).code).toBe(0);
    await run(['queue', 'drain', '--done'], env);
  });

  it('ends a worker that waits on SIGTERM within seconds', async () => {
    const worker = new Command(['worker', '--queue', server.url]);
    await until(
      () => worker.text.stderr.includes('waits for pictures'),
      () => 'a worker that waits',
    );
    const begun = Date.now();
    worker.child.kill('SIGTERM');
    expect((await worker.ended).code).toBe(130);
    expect(Date.now() - begun).toBeLessThan(8_000);
    expect(worker.text.stderr).not.toContain('ERR_');
  });
});
