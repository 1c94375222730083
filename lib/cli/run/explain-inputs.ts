import { OnnxCamError } from '../../common/errors.ts';
import type { Progress } from '../../common/progress.ts';
import { runStream } from '../../io/picture-stream.ts';
import { isRemote } from '../../stores/address.ts';
import type { OutputStore } from '../../stores/output-store.ts';
import type { CommandContext } from '../context.ts';
import type { CommandInput } from '../inputs/inputs.ts';
import type { LoadedModel } from '../library.ts';
import type { SaveOptions } from '../options/save-option.ts';
import { isOfOneInput } from '../tell/failure.ts';
import { type PictureProtocol, terminalPicture } from '../tell/terminal-pictures.ts';
import { explainInput, type FileOptions, type NamedExplanation } from './explain-input.ts';
import { type Saved, saveResult } from './output-files.ts';
import type { RunRecord } from './run-record.ts';

/** Results that are rendered and written at once: as many as libuv has threads; each holds a picture in memory. */
const SAVING = { concurrency: 4 };

/** Inputs that are on their way from servers while the model has others to work on. */
const FETCHING = 6;

/** How many inputs are in work at once: what keeps the model busy, and those that are waited for. */
export function concurrencyFor(model: LoadedModel, inputs: readonly CommandInput[]): number {
  return model.concurrency + (inputs.some(({ path }) => isRemote(path)) ? FETCHING : 0);
}

/** What is done with every input. */
export interface ExplainWork {
  readonly model: LoadedModel;
  readonly explain: Omit<FileOptions, 'signal' | 'onProgress'>;
  /** Where results go. */
  readonly store: OutputStore;
  readonly save: SaveOptions;
  /** How to print overlays on the terminal, if at all. */
  readonly show?: PictureProtocol | undefined;
  /** Inputs in work at once. */
  readonly concurrency: number;
  /** Whether an error of writing a result ends the work; else it is recorded as its input's. */
  readonly endsWork?: (error: OnnxCamError) => boolean;
  /** Is awaited before an input is begun. */
  readonly begin?: ((input: CommandInput) => Promise<void>) | undefined;
}

/**
 * Explains inputs and writes their results, as they come from `inputs`.
 * @returns an error that every further input would meet, where there was one: it ends the work
 * @throws `ERR_ABORTED`, `ERR_OUTPUT` where the manifest cannot be written, or a result that ends the work
 */
export async function explainInputs(
  { console, signal }: Pick<CommandContext, 'console' | 'signal'>,
  work: ExplainWork,
  inputs: Iterable<CommandInput>,
  record: RunRecord,
): Promise<OnnxCamError | undefined> {
  const explainOne = async (input: CommandInput): Promise<NamedExplanation[]> => {
    if ('error' in input) throw input.error;
    await work.begin?.(input);
    const onProgress = ({ done, total }: Progress) => console.progress.update(record.done, input.path, done / total);
    return explainInput(work.model, input, { ...work.explain, signal, onProgress });
  };
  async function* explained(): AsyncGenerator<Outcome> {
    const { concurrency } = work;
    for await (const { input, result, error } of runStream(inputs, explainOne, { concurrency, signal }))
      yield* outcomesOf(input, error ?? result);
  }
  const saveOne = async ({ input, result }: Outcome): Promise<Saved & { readonly shown?: string | undefined }> => {
    const place = record.sheet?.place(input.path, result);
    if (result instanceof OnnxCamError) return { files: {} };
    const save = { ...work.save, draws: place !== undefined || work.show !== undefined };
    try {
      const { overlay, ...saved } = await saveResult(result.explanation, result.name, work.store, save);
      await place?.put(result, overlay!);
      return { ...saved, shown: work.show && (await terminalPicture(overlay!, work.show, console.width)) };
    } catch (error) {
      place?.fail(error);
      throw error;
    }
  };
  // What was explained is saved even after an interruption: a stream whose source fails finishes what it has.
  for await (const { input: outcome, result: saved, error } of runStream(explained(), saveOne, SAVING)) {
    const { input, result, isLast } = outcome;
    const stem = 'stem' in input ? input.stem : undefined;
    console.progress.update(record.done, input.path);
    if (result instanceof OnnxCamError) {
      await record.failure({ input: input.path, stem, error: result }, isLast);
      if (!isOfOneInput(result)) return result;
    } else if (error && work.endsWork?.(error)) throw error;
    else if (error) await record.failure({ input: input.path, stem, method: result.name.method, error }, isLast);
    else {
      const { shown, ...written } = saved;
      await record.result({ input: input.path, ...result, ...written }, isLast);
      if (shown !== undefined) await console.printPicture(shown);
    }
  }
  return undefined;
}

/** One result of an input, or why there is none. */
interface Outcome {
  readonly input: CommandInput;
  readonly result: NamedExplanation | OnnxCamError;
  readonly isLast: boolean;
}

function outcomesOf(input: CommandInput, result: readonly NamedExplanation[] | OnnxCamError): Outcome[] {
  if (result instanceof OnnxCamError) return [{ input, result, isLast: true }];
  return result.map((one, i) => ({ input, result: one, isLast: i === result.length - 1 }));
}
