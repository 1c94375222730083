import type { Command } from 'commander';
import type { ChunkQueue, QueueServer } from '../../queue/server.ts';
import type { QueueStatus } from '../../queue/status.ts';
import type { CommandContext } from '../context.ts';
import { givenQueue, queueOption } from '../options/queue-option.ts';
import { EXIT } from '../tell/failure.ts';
import { failureTexts, statusLines, statusText } from '../tell/queue-text.ts';
import { oneLine, plural } from '../tell/text.ts';

interface QueueFlags {
  readonly queue?: string;
  readonly json?: boolean;
  readonly follow?: boolean;
  readonly done?: boolean;
}

/** `onnx-cam queue status|retry-failed|drain` */
export function addQueue(program: Command, context: CommandContext, finish: (code: number) => void): void {
  const queue = program
    .command('queue')
    .summary('look at a queue of pictures, and mend it')
    .description(
      'Looks at a queue that `onnx-cam explain --queue` has filled and `onnx-cam worker` works on, and mends it.',
    );
  const add = (name: string, description: string) =>
    queue.command(name).summary(description).description(description).addOption(queueOption());
  add('status', 'what waits, is in work, done, and failed, with the reasons')
    .option('--follow', 'until nothing waits and nothing is in work, with a progress bar')
    .option('--json', 'a JSON object on standard output; with --follow one for each change, a line each')
    .option('--debug', 'stack traces of errors')
    .action(async (flags: QueueFlags) => finish(await status(context, flags)));
  add('retry-failed', 'do again what failed: pictures, and chunks as a whole')
    .option('--debug', 'stack traces of errors')
    .action(async (flags: QueueFlags) => {
      const { retryFailed } = await import('../../queue/mend.ts');
      const count = await withQueue(flags, retryFailed);
      context.console.note(`${plural(count, 'chunk')} put back`);
    });
  add('drain', 'take out what waits; what is in work is finished')
    .option('--done', 'forget chunks that are done or failed too, so that they can be enqueued again')
    .option('--debug', 'stack traces of errors')
    .action(async (flags: QueueFlags) => {
      const { drain } = await import('../../queue/mend.ts');
      const count = await withQueue(flags, opened => drain(opened, { done: flags.done === true }));
      context.console.note(`${plural(count, 'chunk')} taken out`);
    });
}

/** @throws `ERR_QUEUE` also for a server that goes meanwhile */
async function withQueue<T>(
  flags: QueueFlags,
  task: (queue: ChunkQueue, server: QueueServer) => Promise<T>,
): Promise<T> {
  const address = givenQueue(flags.queue);
  const { useQueue } = await import('../../queue/use-queue.ts');
  return useQueue(address, task);
}

async function status(context: CommandContext, flags: QueueFlags): Promise<number> {
  const { console, signal } = context;
  const found = flags.follow ? await follow(context, flags) : await withQueue(flags, readNow);
  if (!flags.json) {
    await console.print(...statusLines(found));
    console.note(...failureTexts(found).map(oneLine));
  } else if (!flags.follow) await console.print(JSON.stringify(found));
  if (signal.aborted) return EXIT.interrupted;
  return found.chunks.failed > 0 || found.pictures.failed > 0 ? EXIT.inputsFailed : EXIT.done;
}

async function readNow(queue: ChunkQueue): Promise<QueueStatus> {
  const { readStatus } = await import('../../queue/follow.ts');
  return readStatus(queue);
}

/** @returns how it stood last */
async function follow({ console, signal }: CommandContext, flags: QueueFlags): Promise<QueueStatus> {
  const { followStatus } = await import('../../queue/follow.ts');
  return withQueue(flags, async (queue, server) => {
    const events = await server.openEvents();
    let last: QueueStatus | undefined;
    try {
      for await (const found of followStatus(queue, events, signal)) {
        const { total, done, failed } = found.pictures;
        if (last === undefined) console.progress.start(total);
        console.progress.total(total);
        console.progress.update(done + failed, statusText(found));
        if (flags.json) await console.print(JSON.stringify(found));
        last = found;
      }
      return last ?? (await readNow(queue));
    } finally {
      console.progress.stop();
      await events.close().catch(() => {});
    }
  });
}
