import { OnnxCamError } from '../../common/errors.ts';
import { HeldFileError } from '../../io/file-lock.ts';
import type { Chunk, ChunkInput } from '../../queue/chunk.ts';
import { ChunkHeldError, type ChunkWork } from '../../queue/do-chunk.ts';
import { shownAddress } from '../../stores/address.ts';
import { openStore } from '../../stores/open-store.ts';
import type { OutputStore } from '../../stores/output-store.ts';
import type { CommandContext } from '../context.ts';
import { type CommandInput, isTensorFile } from '../inputs/inputs.ts';
import type { LoadedModel } from '../library.ts';
import { checkFlags } from '../options/check-flags.ts';
import type { ExplainFlags } from '../options/explain-flags.ts';
import type { RunFlags } from '../options/run-options.ts';
import { failureLines } from '../tell/failure.ts';
import { concurrencyFor, explainInputs } from './explain-inputs.ts';
import { type ExplainRequest, explainRequest } from './explain-request.ts';
import { runHeader } from './explain-run.ts';
import { openModel } from './open-model.ts';
import type { FailedInput, Reporter, SavedResult } from './reporter.ts';
import { RunManifest } from './run-manifest.ts';
import { type RecordedInput, RunRecord } from './run-record.ts';
import { Warnings } from './warnings.ts';

/** What a worker decides by itself: its machine's. */
export type WorkerFlags = Pick<RunFlags, 'provider' | 'threads' | 'batchSize' | 'debug'>;

/** Does chunks of a queue with the code of `explain`; keeps the model between chunks of one run. */
export class ChunkExplainer {
  readonly #context: CommandContext;
  readonly #own: WorkerFlags;
  readonly #reporter: Reporter;
  #held: { readonly key: string; readonly model: LoadedModel } | undefined;

  constructor(context: CommandContext, own: WorkerFlags) {
    this.#context = context;
    this.#own = own;
    this.#reporter = new ChunkReporter(context.console, own.debug === true);
  }

  /**
   * A chunk as `DoChunk` says.
   * @throws ChunkHeldError; what makes model, options or the place of results unusable
   */
  async explain(chunk: Chunk, work: ChunkWork): Promise<void> {
    const flags: ExplainFlags = { ...checkFlags(chunk.options), ...this.#own, out: chunk.out };
    const request = await explainRequest(flags, () => {});
    const store = openStore(chunk.out);
    await store.prepare();
    const model = await this.#modelOf(chunk, request);
    const methods = request.chooseMethods(model);
    const { path, sha256 } = chunk.model;
    const header = await runHeader({ model: path, request }, sha256, methods);
    const inputs = chunk.inputs.map(commandInput);
    const places = new Map(inputs.map((input, place) => [keyOf(input), place]));
    const placeOf = (input: RecordedInput) => places.get(keyOf(input))!;
    const manifest = await RunManifest.open({
      store,
      part: chunk.part,
      header,
      inputs,
      going: work.retryFailed ? 'on, failed again' : 'on',
      refusesOthers: true,
      onTaken: (stem, failed) => work.done(placeOf({ path: '', stem }), failed),
    }).catch(error => {
      throw error instanceof HeldFileError ? new ChunkHeldError(error.message) : error;
    });
    try {
      const onDone = (input: RecordedInput, failed: boolean) => work.done(placeOf(input), failed);
      const record = new RunRecord(manifest, this.#reporter, { onDone });
      await this.#explainLeft({ model, request, methods, store, work, placeOf }, manifest.left, record);
    } finally {
      await manifest.close();
    }
  }

  async #explainLeft(
    { model, request, methods, store, work, placeOf }: ChunkParts,
    left: readonly CommandInput[],
    record: RunRecord,
  ): Promise<void> {
    const { console } = this.#context;
    const explain = async (inputs: Iterable<CommandInput>, concurrency: number) => {
      const unusable = await explainInputs(
        // What is in work is finished after a signal; the process ends at the second one.
        { console, signal: new AbortController().signal },
        {
          model,
          explain: { ...request.explain, methods },
          store,
          save: request.save,
          concurrency,
          endsWork: isOfThePlace,
          begin: input => work.begin(placeOf(input)),
        },
        untilAborted(inputs, work.signal),
        record,
      );
      if (unusable) throw unusable;
    };
    const alone = new Set(work.alone);
    const others: CommandInput[] = [];
    const suspects: CommandInput[] = [];
    for (const input of left) {
      const error = work.givenUp.get(placeOf(input));
      const stem = 'stem' in input ? input.stem : undefined;
      if (error) await record.failure({ input: input.path, stem, error }, true);
      else (alone.has(placeOf(input)) ? suspects : others).push(input);
    }
    await explain(suspects, 1);
    await explain(others, concurrencyFor(model, others));
  }

  /** @throws `ERR_MODEL_INVALID` where the file is another one by now, and what `load` throws */
  async #modelOf({ model: { path, sha256 } }: Chunk, { load: options }: ExplainRequest): Promise<LoadedModel> {
    const key = JSON.stringify([path, sha256, options]);
    if (this.#held?.key === key) return this.#held.model;
    await this.dispose();
    const model = await openModel(this.#context, path, { ...options, signal: this.#context.signal }, sha256);
    const found = await model.sha256();
    if (found !== sha256) {
      await model.dispose();
      throw new OnnxCamError(
        'ERR_MODEL_INVALID',
        `the model ${shownAddress(path)} is not the one that was enqueued: its SHA-256 is ${found}, not ${sha256}`,
      );
    }
    this.#held = { key, model };
    return model;
  }

  async dispose(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.model.dispose();
  }
}

/** What is in the way of one file. */
const OF_ONE_FILE = ['ENAMETOOLONG', 'EISDIR', 'ENOTDIR', 'EILSEQ'];

/** A full disk is no fault of the picture: its chunk is tried again. */
function isOfThePlace({ code, cause }: OnnxCamError): boolean {
  return code === 'ERR_OUTPUT' && !OF_ONE_FILE.includes((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
}

interface ChunkParts {
  readonly model: LoadedModel;
  readonly request: ExplainRequest;
  readonly methods: readonly string[];
  readonly store: OutputStore;
  readonly work: ChunkWork;
  readonly placeOf: (input: RecordedInput) => number;
}

function* untilAborted<T>(items: Iterable<T>, signal: AbortSignal): Generator<T, void, void> {
  for (const item of items) {
    if (signal.aborted) return;
    yield item;
  }
}

function commandInput(input: ChunkInput): CommandInput {
  const { path } = input;
  if ('error' in input) return { path, error: new OnnxCamError(input.error.code, input.error.message) };
  return { path, ...(input.url !== undefined && { url: input.url }), stem: input.stem, isTensor: isTensorFile(path) };
}

/** Stems differ; inputs without one have no other name than their path. */
function keyOf(input: RecordedInput): string {
  return input.stem === undefined ? `? ${input.path}` : `= ${input.stem}`;
}

/** Tells what is wrong; what goes well is in the manifest. */
class ChunkReporter implements Reporter {
  readonly #console: CommandContext['console'];
  readonly #debug: boolean;
  readonly #warnings: Warnings;

  constructor(console: CommandContext['console'], debug: boolean) {
    this.#console = console;
    this.#debug = debug;
    this.#warnings = new Warnings(console);
  }

  begin(): void {}

  async result({ input, explanation }: SavedResult): Promise<void> {
    this.#warnings.tell(input, explanation);
  }

  async failure({ input, error }: FailedInput): Promise<void> {
    this.#console.note(...failureLines(error, { input, debug: this.#debug }));
  }

  end(): void {}
}
