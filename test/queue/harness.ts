import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rolldown } from 'rolldown';
import { onTestFinished } from 'vitest';
import type { ErrorCode } from '../../lib/common/errors.ts';
import { type Chunk, PROTOCOL } from '../../lib/queue/chunk.ts';
import { readStatus } from '../../lib/queue/follow.ts';
import type { ChunkQueue, HoldTimes } from '../../lib/queue/server.ts';
import type { QueueStatus } from '../../lib/queue/status.ts';
import { temporaryFolder } from '../cli/harness.ts';

/** What a fake worker is told. */
export interface FakeOptions {
  readonly url: string;
  /** ms that an input takes. */
  readonly pause: number;
  readonly hold?: HoldTimes;
  readonly version?: string;
  readonly untilEmpty?: boolean;
  /** Stems that end the process. */
  readonly poison?: readonly string[];
  /** Stems that fail. */
  readonly fails?: readonly string[];
  /** Ends the process before anything is begun. */
  readonly endsBefore?: boolean;
  /** Fails chunks as a whole. */
  readonly throws?: ErrorCode;
  /** As long as this file exists another process holds all chunks. */
  readonly held?: string;
}

/** A worker that dies is noticed within about two seconds. */
export const SHORT: HoldTimes = { lock: 1_000, check: 500 };

const BUNDLE = resolve('build/test-queue/fake-worker.js');

/** Once before the tests: Node starts no TypeScript. */
export async function buildFakeWorker(): Promise<void> {
  const build = await rolldown({
    input: 'test/queue/fake-worker.ts',
    platform: 'node',
    external: ['#package', 'bullmq', 'ioredis', 'pg', 'vitest', 'rolldown'],
  });
  await build.write({ file: BUNDLE, format: 'esm' });
  await build.close();
}

export class FakeWorker {
  readonly lines: string[] = [];
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcess;

  constructor(options: FakeOptions) {
    this.#child = spawn(process.execPath, [BUNDLE, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.ended = once(this.#child, 'close');
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.lines.push(...text.trimEnd().split('\n'));
    });
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async says(text: string): Promise<void> {
    await until(
      () => this.lines.some(line => line.startsWith(text)),
      () => `${text}; it said ${this.lines.join(', ')}`,
    );
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }
}

/** Starts fake workers again as often as they die, as a scheduler does. */
export function keepAlive(options: FakeOptions): { readonly deaths: () => number; readonly stop: () => Promise<void> } {
  let deaths = 0;
  let worker = new FakeWorker(options);
  let stopped = false;
  const loop = (async () => {
    while (!stopped) {
      await worker.ended;
      if (stopped || worker.lines.at(-1) === 'ended') return;
      deaths++;
      worker = new FakeWorker(options);
    }
  })();
  const stop = async () => {
    stopped = true;
    await worker.kill();
    await loop;
  };
  onTestFinished(() => stop());
  return { deaths: () => deaths, stop };
}

export async function until(
  holds: () => boolean | Promise<boolean>,
  what: () => string,
  patience = 40_000,
): Promise<void> {
  const end = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what()}`);
    await sleep(20);
  }
}

/** Until nothing waits or is in work. */
export async function untilIdle(queue: ChunkQueue): Promise<QueueStatus> {
  let status: QueueStatus | undefined;
  const isIdle = async () => {
    status = await readStatus(queue);
    return status.chunks.waiting + status.chunks.inWork === 0;
  };
  await until(isIdle, () => `an idle queue: ${JSON.stringify(status)}`);
  return status!;
}

/** Chunks of inputs a0, a1, … that go to a folder of their own. */
export function someChunks(count: number, size: number, change: Partial<Chunk> = {}): Chunk[] {
  const out = join(temporaryFolder(), 'out');
  mkdirSync(out);
  return Array.from({ length: count }, (_, index) => ({
    protocol: PROTOCOL,
    version: '1.0.0',
    model: { path: '/models/m.onnx', sha256: 'ab'.repeat(32) },
    options: { method: ['grad-cam'], save: ['map'] },
    out,
    part: { index, count },
    inputs: Array.from({ length: size }, (_, i) => {
      const stem = `a${index * size + i}`;
      return { path: `/pictures/${stem}.png`, stem };
    }),
    ...change,
  }));
}

/** What lies in a folder of results. */
export function resultsIn(out: string): {
  readonly done: string[];
  readonly failed: string[];
  readonly begun: string[];
} {
  const names = readdirSync(out);
  const log = join(out, 'work.log');
  const of = (ending: string) => names.filter(name => name.endsWith(ending)).map(name => name.slice(0, -ending.length));
  return {
    done: of('.txt'),
    failed: of('.error'),
    begun: existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [],
  };
}
