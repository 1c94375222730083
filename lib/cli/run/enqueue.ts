import { resolve } from 'node:path';
import { packageVersion } from '#package';
import { refuseOthers } from '../../manifest/refuse-others.ts';
import type { RunHeader } from '../../manifest/run-header.ts';
import { type Chunk, type ChunkInput, PROTOCOL } from '../../queue/chunk.ts';
import type { Enqueued } from '../../queue/enqueue.ts';
import { openStore } from '../../stores/open-store.ts';
import type { CommandContext } from '../context.ts';
import type { CommandInput } from '../inputs/inputs.ts';
import { byPath } from '../inputs/stems.ts';
import { decidingFlags, type ExplainFlags, withPaths } from '../options/explain-flags.ts';
import { CHUNK, givenQueue } from '../options/queue-option.ts';
import { EXIT, failureOf, usageError } from '../tell/failure.ts';
import { plural } from '../tell/text.ts';
import { explainRequest } from './explain-request.ts';
import { runHeader } from './explain-run.ts';
import { openModel } from './open-model.ts';

/**
 * Puts the work of `explain` into a queue, in chunks of the sorted inputs.
 * @returns the exit code
 * @throws what makes model or options unusable, before anything is enqueued; `ERR_QUEUE`
 */
export async function enqueueExplain(
  { console, library, signal }: CommandContext,
  { model: given, inputs, flags }: EnqueuedRun,
): Promise<number> {
  const address = givenQueue(flags.queue);
  const { useQueue } = await import('../../queue/use-queue.ts');
  const { enqueue } = await import('../../queue/enqueue.ts');
  const size = flags.chunk ?? CHUNK;
  const [path, out] = [absolute(given), absolute(flags.out)];
  const options = withPaths(decidingFlags(flags), absolute);
  // As workers will have it.
  const request = await explainRequest({ ...options, out }, text => console.note(text));
  const counts = await useQueue(address, async queue => {
    const model = await openModel({ console, library, signal }, path, { ...request.load, signal });
    let header: RunHeader;
    try {
      // What the model cannot do is told here, once.
      const methods = request.chooseMethods(model);
      header = await runHeader({ model: path, request }, await model.sha256(), methods);
    } finally {
      await model.dispose();
    }
    const { folder } = openStore(out);
    if (folder !== undefined) await refuseOthers(folder, { count: chunkCount(inputs, size) }, header);
    return enqueue(
      queue,
      chunksOf(inputs, size, {
        protocol: PROTOCOL,
        version: packageVersion(),
        model: { path, sha256: header.sha256! },
        options: { ...options },
        out,
      }),
    );
  });
  if (flags.json) await console.print(JSON.stringify({ enqueued: { inputs: inputs.length, chunks: counts } }));
  console.note(...enqueuedLines(inputs.length, counts));
  return EXIT.done;
}

export interface EnqueuedRun {
  readonly model: string;
  readonly inputs: readonly CommandInput[];
  readonly flags: ExplainFlags;
}

/** @throws `ERR_USAGE` for what is of a run that this process does itself */
export function refuseWithQueue(flags: ExplainFlags): void {
  const { shard, resume, retryFailed, report, sheet, show, queue, chunk } = flags;
  if (queue === undefined) {
    if (chunk !== undefined) throw usageError('--chunk is of a queue: give --queue too');
    return;
  }
  if (shard) throw usageError('--shard and --queue both cut the inputs into parts: give one of them');
  if (report || sheet || show)
    throw usageError(
      '--report, --sheet and --show are of results, which workers make: `onnx-cam report` makes the page when all are done',
    );
  if (resume || retryFailed)
    throw usageError(
      '--resume and --retry-failed are of a run in one process: what is done in a queue is never done again',
    );
  for (const [name, given] of Object.entries({
    provider: flags.provider,
    threads: flags.threads,
    'batch-size': flags.batchSize,
  }))
    if (given !== undefined) throw usageError(`--${name} is of the machine that works: give it to onnx-cam worker`);
}

function* chunksOf(
  inputs: readonly CommandInput[],
  size: number,
  common: Omit<Chunk, 'part' | 'inputs'>,
): Generator<Chunk> {
  const ordered = [...inputs].sort(byPath);
  const count = chunkCount(inputs, size);
  for (let index = 0; index < count; index++)
    yield {
      ...common,
      part: { index, count },
      inputs: ordered.slice(index * size, (index + 1) * size).map(chunkInput),
    };
}

const chunkCount = (inputs: readonly unknown[], size: number): number => Math.ceil(inputs.length / size);

function chunkInput(input: CommandInput): ChunkInput {
  if ('error' in input) return { path: input.path, error: failureOf(input.error) };
  const { path, url, stem } = input;
  return { path: absolute(path), stem, ...(url !== undefined && { url }) };
}

/** Workers have other working folders. */
function absolute(place: string): string {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(place) ? place : resolve(place);
}

function enqueuedLines(inputs: number, { added, waiting, inWork, done, failed }: Enqueued): string[] {
  const all = added + waiting + inWork + done + failed;
  const before = [
    [waiting, 'waiting'],
    [inWork, 'in work'],
    [done, 'done'],
    [failed, 'failed'],
  ]
    .filter(([count]) => (count as number) > 0)
    .map(([count, state]) => `${count} ${state}`);
  return [
    `${plural(inputs, 'input')} in ${plural(all, 'chunk')}: ${added} enqueued${before.length > 0 ? `, the others were there already: ${before.join(', ')}` : ''}`,
    ...(failed > 0 ? ['onnx-cam queue retry-failed puts back what failed'] : []),
    ...(added > 0 ? ['onnx-cam worker does them, onnx-cam queue status --follow shows how it goes'] : []),
  ];
}
