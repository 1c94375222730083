import { appendFileSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OnnxCamError } from '../../lib/common/errors.ts';
import type { Chunk } from '../../lib/queue/chunk.ts';
import { ChunkHeldError, type ChunkWork } from '../../lib/queue/do-chunk.ts';
import { reachServer } from '../../lib/queue/server.ts';
import { type WorkWatcher, work } from '../../lib/queue/work.ts';
import type { FakeOptions } from './harness.ts';

/**
 * A worker in a process of its own that writes a small file for each input instead of a map: STEM.txt, or STEM.error. `work.log`
 * in the folder of results has a line for each input that was begun.
 */
const options = JSON.parse(process.argv[2]!) as FakeOptions;
const controller = new AbortController();
process.on('SIGTERM', () => controller.abort());
const tell = (line: string) => void process.stdout.write(`${line}\n`);

async function doChunk({ inputs, out }: Chunk, work: ChunkWork): Promise<void> {
  if (options.held && existsSync(options.held)) throw new ChunkHeldError('another process holds it');
  if (options.throws) throw new OnnxCamError(options.throws, 'as the test wants it');
  if (options.endsBefore) process.kill(process.pid, 'SIGKILL');
  const fileOf = (index: number) => {
    const input = inputs[index]!;
    return 'stem' in input ? join(out, input.stem) : undefined;
  };
  const left: number[] = [];
  for (const index of inputs.keys()) {
    const file = fileOf(index)!;
    const error = work.givenUp.get(index);
    if (existsSync(`${file}.txt`)) work.done(index, false);
    else if (existsSync(`${file}.error`) && !work.retryFailed) work.done(index, true);
    else if (error) {
      writeFileSync(`${file}.error`, `${error.code}: ${error.message}`);
      work.done(index, true);
    } else left.push(index);
  }
  const one = async (index: number) => {
    if (work.signal.aborted) return;
    await work.begin(index);
    const file = fileOf(index)!;
    appendFileSync(join(out, 'work.log'), `${file} ${process.pid} ${work.alone.includes(index)}\n`);
    await sleep(options.pause);
    if (options.poison?.some(name => file.endsWith(`/${name}`))) process.kill(process.pid, 'SIGKILL');
    if (options.fails?.some(name => file.endsWith(`/${name}`))) {
      writeFileSync(`${file}.error`, 'as the test wants it');
      work.done(index, true);
      return;
    }
    rmSync(`${file}.error`, { force: true });
    writeFileSync(`${file}.part`, file);
    renameSync(`${file}.part`, `${file}.txt`);
    work.done(index, false);
  };
  for (const index of left.filter(index => work.alone.includes(index))) await one(index);
  const others = left.filter(index => !work.alone.includes(index)).values();
  // Two at a time, as an explainer has several pictures in work.
  const lane = async () => {
    for (const index of others) await one(index);
  };
  await Promise.all([lane(), lane()]);
}

const watcher: WorkWatcher = {
  taken: ({ part }) => tell(`taken ${part.index}`),
  settled: ({ kind }) => tell(kind),
  waiting: reason => tell(`waiting: ${reason}`),
};

try {
  const server = await reachServer(options.url);
  tell('ready');
  await work(server, {
    doChunk,
    version: options.version ?? '1.0.0',
    signal: controller.signal,
    untilEmpty: options.untilEmpty ?? false,
    watcher,
    ...(options.hold && { hold: options.hold }),
  });
  tell('ended');
} catch (error) {
  tell(`error ${(error as OnnxCamError).code}: ${(error as Error).message}`);
  process.exitCode = 2;
}
