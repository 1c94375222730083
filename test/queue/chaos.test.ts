import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Random } from '../../lib/common/random.ts';
import { readNpy } from '../../lib/io/npy.ts';
import { readStatus } from '../../lib/queue/follow.ts';
import type { QueueStatus } from '../../lib/queue/status.ts';
import { useQueue } from '../../lib/queue/use-queue.ts';
import { residualModel } from '../helpers/small-models.ts';
import { until } from './harness.ts';
import { SERVERS, type TestServer } from './servers.ts';

/** The whole of it takes minutes: where servers are required (`.ci/run`). */
const { pictures, kills, chunk, patience } =
  process.env.ONNX_CAM_SERVERS === 'required'
    ? { pictures: 2_000, kills: 20, chunk: 50, patience: 540_000 }
    : { pictures: 200, kills: 3, chunk: 20, patience: 170_000 };

const WORKERS = 3;
const COMMAND = resolve('dist/cli/main.js');

describe.each(SERVERS)('workers and a server that are killed again and again ($name)', ({ missing, start }) => {
  it.skipIf(missing !== undefined)(
    `leave each of ${pictures} pictures with one result or one recorded error${missing === undefined ? '' : ` (skipped: ${missing})`}`,
    { timeout: patience + 60_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-chaos-'));
      // Thousands of files.
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }), 60_000);
      const corrupt = await makePictures(join(folder, 'pictures'), pictures);
      writeFileSync(join(folder, 'net.onnx'), residualModel());
      const server = await start();
      onTestFinished(() => server.stop());
      const out = join(folder, 'out');
      mkdirSync(out);
      const written = countWrites(out);
      const enqueue = ['explain', 'net.onnx', 'pictures', '--queue', server.url, '--chunk', `${chunk}`, '-o', 'out'];
      // Two who enqueue the same at once.
      await Promise.all([run(folder, enqueue), run(folder, enqueue)]);

      const workers = Array.from({ length: WORKERS }, () => new RestartedWorker(folder, server.url));
      await killAtRandom(workers, server, () => written.size);
      await untilDone(server);
      for (const worker of workers) await worker.stop();
      expect(workers.flatMap(({ faults }) => faults)).toEqual([]);

      const status = await useQueue(server.url, readStatus);
      const results = readResults(out);
      const failed = results.filter(({ error }) => error !== undefined);
      const wasInWork = failed.filter(({ error }) => error!.message.includes('the process ended'));
      // Every picture once.
      expect(results.map(({ input }) => input).sort()).toEqual(
        readdirSync(join(folder, 'pictures'))
          .map(name => join(folder, 'pictures', name))
          .sort(),
      );
      expect(new Set(failed.filter(one => !wasInWork.includes(one)).map(({ input }) => input))).toEqual(corrupt);
      // One that was in work at three kills would be no fault, but isn't likely.
      expect(wasInWork.length).toBeLessThanOrEqual(1);
      expect(status.pictures).toMatchObject({ total: pictures, waiting: 0, left: 0, failed: failed.length });
      for (const { files } of results)
        for (const file of Object.values(files ?? {})) await expectWhole(join(out, file));
      // Each overlay is written once, but for those that were in work when their worker was killed.
      const twice = [...written.values()].reduce((sum, times) => sum + times - 1, 0);
      console.log(`${pictures} pictures, ${kills} kills each of workers and server: ${twice} done twice`);
      expect(twice).toBeLessThanOrEqual(kills * chunk);
    },
  );
});

/** @returns the paths of those that are none */
async function makePictures(folder: string, count: number): Promise<Set<string>> {
  mkdirSync(folder);
  const corrupt = new Set<string>();
  for (let i = 0; i < count; i++) {
    const path = join(folder, `p${`${i}`.padStart(4, '0')}.png`);
    const picture = sharp({
      create: { width: 48, height: 40, channels: 3, background: { r: i % 256, g: 90, b: 200 } },
    });
    const bytes = await picture.png({ compressionLevel: 1 }).toBuffer();
    const isCorrupt = i % 97 === 5;
    if (isCorrupt) corrupt.add(path);
    writeFileSync(path, isCorrupt ? bytes.subarray(0, 40) : bytes);
  }
  return corrupt;
}

/** How often each overlay was put in its place. */
function countWrites(out: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const watcher = watch(out, (_, name) => {
    if (name?.endsWith('.overlay.png')) counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  onTestFinished(() => watcher.close());
  return counts;
}

/** A worker that is started again when it dies, as a scheduler does. */
class RestartedWorker {
  readonly #folder: string;
  readonly #url: string;
  /** Ends that were no kills. */
  readonly faults: string[] = [];
  #child: ChildProcess;
  #stopped = false;

  constructor(folder: string, url: string) {
    this.#folder = folder;
    this.#url = url;
    this.#child = this.#start();
    onTestFinished(() => {
      this.#stopped = true;
      this.#child.kill('SIGKILL');
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    expect((await ended)[0]).toBe(130);
  }

  #start(): ChildProcess {
    const env = { ...process.env, ONNX_CAM_QUEUE: this.#url };
    const argv = [COMMAND, 'worker', '--threads', '1'];
    const child = spawn(process.execPath, argv, { cwd: this.#folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    child.once('close', (code, signal) => {
      // It may have found no server, which is away just now; nothing else ends it.
      if (signal !== 'SIGKILL' && !/ERR_QUEUE: the queue's server/.test(told) && !this.#stopped)
        this.faults.push(`code ${code}, ${signal}: ${told}`);
      if (!this.#stopped) this.#child = this.#start();
    });
    return child;
  }
}

async function killAtRandom(
  workers: readonly RestartedWorker[],
  server: TestServer,
  done: () => number,
): Promise<void> {
  const random = new Random(19);
  const moments = Array.from({ length: kills }, () => Math.floor(random.uniform() * pictures * 0.8)).sort(
    (a, b) => a - b,
  );
  for (const moment of moments) {
    await until(
      () => done() >= moment,
      () => `${moment} results; there are ${done()}`,
      120_000,
    );
    workers[random.bits() % workers.length]!.kill();
    await sleep(random.uniform() * 500);
    await server.kill();
    await sleep(random.uniform() * 500);
    await server.restart();
  }
}

async function untilDone(server: TestServer): Promise<void> {
  let status: QueueStatus | undefined;
  const isDone = async () => {
    status = await useQueue(server.url, readStatus);
    await sleep(500);
    return status.chunks.waiting + status.chunks.inWork === 0;
  };
  await until(isDone, () => `an idle queue: ${JSON.stringify(status)}`, patience / 2);
}

interface Recorded {
  readonly input: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly error?: { readonly code: string; readonly message: string };
}

/** The lines of all manifests of the run's parts but their headers. */
function readResults(out: string): Recorded[] {
  const names = readdirSync(out).filter(name => name.endsWith('.jsonl'));
  expect(names).toHaveLength(pictures / chunk);
  return names.flatMap(name =>
    readFileSync(join(out, name), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1)
      .map(line => JSON.parse(line) as Recorded),
  );
}

async function expectWhole(path: string): Promise<void> {
  if (path.endsWith('.npy')) await readNpy(path);
  else await sharp(path).raw().toBuffer();
}

async function run(folder: string, argv: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [COMMAND, ...argv], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  expect((await once(child, 'close'))[0]).toBe(0);
}
