import { type Command, Option } from 'commander';
import { packageVersion } from '#package';
import type { Chunk } from '../../queue/chunk.ts';
import type { Outcome } from '../../queue/do-job.ts';
import type { WorkWatcher } from '../../queue/work.ts';
import { shownAddress } from '../../stores/address.ts';
import type { CommandContext } from '../context.ts';
import { collect, wholeNumber } from '../options/option-values.ts';
import { givenQueue, queueOption } from '../options/queue-option.ts';
import { ChunkExplainer, type WorkerFlags } from '../run/explain-chunk.ts';
import type { Console } from '../tell/console.ts';
import { EXIT, failureLines } from '../tell/failure.ts';
import { plural } from '../tell/text.ts';

interface Flags extends WorkerFlags {
  readonly queue?: string;
  readonly exitWhenEmpty?: boolean;
}

/** `onnx-cam worker --queue URL` */
export function addWorker(program: Command, context: CommandContext, finish: (code: number) => void): void {
  program
    .command('worker')
    .summary('explain the pictures of a queue')
    .description(
      'Explains pictures that `onnx-cam explain --queue` has put into a queue, a chunk at a time, until it is told to end (Ctrl-C, SIGTERM): then it finishes the pictures in work and gives the rest of its chunk back. Any number of workers, on any number of machines that reach the queue, the model, the pictures and the folder of results under the same names.',
    )
    .addOption(queueOption())
    .option('--exit-when-empty', 'end when nothing waits and nothing is in work')
    .optionsGroup('How to run:')
    .option('--provider <name>', 'execution provider (cpu, cuda …), repeated in order of preference', collect)
    .option('--threads <n>', 'thread budget (default: physical cores)', wholeNumber(1))
    .option('--batch-size <n>', 'images in one run of the model', wholeNumber(1))
    .addOption(new Option('--debug', 'stack traces of errors'))
    .action(async (flags: Flags) => finish(await worker(context, flags)));
}

async function worker(context: CommandContext, { queue, exitWhenEmpty, ...own }: Flags): Promise<number> {
  const { console, signal } = context;
  const address = givenQueue(queue);
  const { reachServer } = await import('../../queue/server.ts');
  const { work } = await import('../../queue/work.ts');
  const server = await reachServer(address);
  const explainer = new ChunkExplainer(context, own);
  const teller = new Teller(console, own.debug === true);
  console.note(`onnx-cam ${packageVersion()} waits for pictures at ${server.address.shown}`);
  try {
    await work(server, {
      doChunk: (chunk, told) => explainer.explain(chunk, told),
      version: packageVersion(),
      signal,
      untilEmpty: exitWhenEmpty === true,
      watcher: teller,
    });
  } finally {
    await explainer.dispose();
  }
  if (signal.aborted) return EXIT.interrupted;
  return teller.hasFailed ? EXIT.inputsFailed : EXIT.done;
}

/** A line for each chunk. */
class Teller implements WorkWatcher {
  hasFailed = false;
  readonly #console: Console;
  readonly #debug: boolean;
  #chunk = ANY;
  #begun = 0;
  #waitsFor: string | undefined;

  constructor(console: Console, debug: boolean) {
    this.#console = console;
    this.#debug = debug;
  }

  taken({ part, inputs, out }: Chunk): void {
    this.#waitsFor = undefined;
    this.#begun = performance.now();
    this.#chunk = `part ${part.index + 1} of ${part.count} for ${shownAddress(out)}`;
    this.#console.note(`${this.#chunk}: ${plural(inputs.length, 'input')}`);
  }

  settled(outcome: Outcome): void {
    if (outcome.kind === 'done') {
      const { done, failed } = outcome.report;
      const seconds = ((performance.now() - this.#begun) / 1000).toFixed(1);
      this.#console.note(`${this.#chunk}: ${done} done${failed > 0 ? `, ${failed} failed` : ''} in ${seconds} s`);
      if (failed > 0) this.hasFailed = true;
    } else if (outcome.kind === 'failed') {
      this.hasFailed = true;
      this.#console.note(...failureLines(outcome.error, { debug: this.#debug }));
      this.#console.note(outcome.again ? 'the chunk is tried again up to twice' : 'the chunk is left as failed');
    } else this.#console.note(`${this.#chunk}: ${TEXTS[outcome.kind]}`);
    this.#chunk = ANY;
  }

  waiting(reason: string): void {
    if (reason === this.#waitsFor) return;
    this.#waitsFor = reason;
    this.#console.warn(`waiting for the queue's server: ${reason}`);
  }
}

/** One that was not begun. */
const ANY = 'a chunk';

const TEXTS: Readonly<Record<Exclude<Outcome['kind'], 'done' | 'failed'>, string>> = {
  'given back': 'given back',
  held: 'another process is still at it; it comes again in a while',
  lost: "the queue's server has given it to another worker",
  continued: 'goes on as a new one, since workers ended with it',
};
