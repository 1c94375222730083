import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import type { Progress } from '../common/progress.ts';
import { runStream } from '../io/picture-stream.ts';
import type { LoadOptions } from '../options.ts';
import { openStore } from '../stores/open-store.ts';
import type { OutputStore } from '../stores/output-store.ts';
import { SheetRecord } from './contact-sheet.ts';
import type { CommandContext } from './context.ts';
import { explainInput, type FileOptions, type NamedExplanation } from './explain-input.ts';
import { EXIT, isOfOneInput } from './failure.ts';
import { type CommandInput, expandInputs } from './inputs.ts';
import type { LoadedModel } from './library.ts';
import { Manifest, type ManifestAbout } from './manifest.ts';
import { type Saved, type SaveOptions, saveResult } from './output-files.ts';
import { PAGE } from './report.ts';
import { writeFolderReport } from './report-files.ts';
import type { FailedInput, Reporter, SavedResult } from './reporter.ts';
import { ResultNames } from './result-names.ts';
import { type PictureProtocol, terminalPicture } from './terminal-pictures.ts';
import { oneLine } from './text.ts';

/** Results that are rendered and written at once: as many as libuv has threads; each holds a picture in memory. */
const SAVING = { concurrency: 4 };

/** Everything that decides what a run does. */
export interface ExplainRun {
  readonly model: string;
  readonly inputs: readonly string[];
  readonly load: LoadOptions;
  readonly explain: Omit<FileOptions, 'methods' | 'signal' | 'onProgress'>;
  /** Method names for this model. */
  readonly chooseMethods: (model: LoadedModel) => readonly string[];
  readonly folder: string;
  readonly save: SaveOptions;
  /** Whether to write the page of the results too. */
  readonly report: boolean;
  /** Whether to write a contact sheet. */
  readonly sheet: boolean;
  /** How to print overlays on the terminal, if at all. */
  readonly show?: PictureProtocol | undefined;
  /** Whether to show a progress bar, where standard error is a terminal. */
  readonly progress: boolean;
}

/**
 * Explains the inputs, writes their files and the manifest.
 * @returns the exit code
 * @throws `ERR_OUTPUT` for the folder and whatever makes the model unusable, before any input is touched
 */
export async function runExplain(context: CommandContext, run: ExplainRun, reporter: Reporter): Promise<number> {
  const inputs = await expandInputs(run.inputs, text => context.console.note(oneLine(text)), run.folder);
  const store = openStore(run.folder);
  const removeFolder = await store.prepare();
  let digest: Promise<string> | undefined;
  const record = new RunRecord(run.folder, inputs, reporter);
  try {
    const { load } = await context.library();
    const model = await load(run.model, { ...run.load, signal: context.signal });
    try {
      const methods = run.chooseMethods(model);
      digest = model.sha256();
      reporter.begin(inputs, methods);
      if (run.sheet) record.sheet = new SheetRecord(methods);
      await explainAll(context, run, model, { inputs, methods, store }, record);
    } finally {
      await model.dispose();
    }
  } catch (error) {
    if (!context.signal.aborted) {
      await removeFolder();
      throw error;
    }
  } finally {
    context.console.progress.stop();
  }
  const report = async () => {
    const path = join(run.folder, PAGE);
    await writeFolderReport(context.console, { folders: [run.folder], path, progress: run.progress });
    return path;
  };
  return record.conclude(
    { model: { path: run.model, sha256: (await digest) ?? null }, interrupted: context.signal.aborted },
    run.report ? report : undefined,
  );
}

interface ExplainParts {
  readonly inputs: readonly CommandInput[];
  readonly methods: readonly string[];
  /** Where results go. */
  readonly store: OutputStore;
}

async function explainAll(
  context: CommandContext,
  run: ExplainRun,
  model: LoadedModel,
  { inputs, methods, store }: ExplainParts,
  record: RunRecord,
): Promise<void> {
  const { console, signal } = context;
  if (run.progress) console.progress.start(inputs.length);
  const names = new ResultNames(inputs);
  const explainOne = async (input: CommandInput): Promise<NamedExplanation[]> => {
    if ('error' in input) throw input.error;
    const onProgress = ({ done, total }: Progress) => console.progress.update(record.done, input.path, done / total);
    return explainInput(model, input, { ...run.explain, methods, signal, onProgress });
  };
  async function* explained(): AsyncGenerator<Outcome> {
    for await (const { input, result, error } of runStream(inputs, explainOne, {
      concurrency: model.concurrency,
      signal,
    }))
      yield* outcomesOf(input.path, error ?? names.keepApart(result));
  }
  const saveOne = async ({ input, result }: Outcome): Promise<Saved & { readonly shown?: string | undefined }> => {
    const place = record.sheet?.place(input, result);
    if (result instanceof OnnxCamError) return { files: {} };
    const save = { ...run.save, draws: place !== undefined || run.show !== undefined };
    try {
      const { overlay, ...saved } = await saveResult(result.explanation, result.name, store, save);
      await place?.put(result, overlay!);
      return { ...saved, shown: run.show && (await terminalPicture(overlay!, run.show, console.width)) };
    } catch (error) {
      place?.fail(error);
      throw error;
    }
  };
  // What was explained is saved even after an interruption: a stream whose source fails finishes what it has.
  for await (const { input: outcome, result: saved, error } of runStream(explained(), saveOne, SAVING)) {
    const { input, result, isLast } = outcome;
    const failed = result instanceof OnnxCamError;
    console.progress.update(record.done, input);
    if (failed) await record.failure({ input, error: result });
    else if (error) await record.failure({ input, method: result.name.method, error });
    else {
      const { shown, ...written } = saved;
      await record.result({ input, ...result, ...written });
      if (shown !== undefined) await console.printPicture(shown);
    }
    if (isLast) record.done++;
    if (failed && !isOfOneInput(result)) {
      record.isUnusable = true;
      return;
    }
  }
}

/** One result of an input, or why there is none. */
interface Outcome {
  readonly input: string;
  readonly result: NamedExplanation | OnnxCamError;
  readonly isLast: boolean;
}

function outcomesOf(input: string, result: readonly NamedExplanation[] | OnnxCamError): Outcome[] {
  if (result instanceof OnnxCamError) return [{ input, result, isLast: true }];
  return result.map((one, i) => ({ input, result: one, isLast: i === result.length - 1 }));
}

/** What has happened so far: counted, told to the reporter, kept for the manifest. */
class RunRecord {
  /** Inputs that were dealt with, one way or the other. */
  done = 0;
  /** Whether an error was met that every further input would meet. */
  isUnusable = false;
  /** Where one is wanted. */
  sheet: SheetRecord | undefined;
  readonly #folder: string;
  readonly #inputs: readonly CommandInput[];
  readonly #reporter: Reporter;
  readonly #manifest: Manifest;
  readonly #failed = new Set<number>();
  #results = 0;

  constructor(folder: string, inputs: readonly CommandInput[], reporter: Reporter) {
    this.#folder = folder;
    this.#inputs = inputs;
    this.#reporter = reporter;
    this.#manifest = new Manifest(folder);
  }

  async result(result: SavedResult): Promise<void> {
    this.#results++;
    this.#manifest.addResult(result);
    await this.#reporter.result(result);
  }

  async failure(failure: FailedInput): Promise<void> {
    this.#failed.add(this.done);
    this.#manifest.addFailure(failure);
    await this.#reporter.failure(failure);
  }

  /** Writes the contact sheet, the manifest and, of it, the report; tells the reporter the end, and gives the exit code. */
  async conclude(about: Omit<ManifestAbout, 'contactSheet'>, writeReport?: () => Promise<string>): Promise<number> {
    let isWhole = true;
    const attempt = <T>(written: Promise<T>): Promise<T | undefined> =>
      written.catch(async (error: unknown) => {
        isWhole = false;
        await this.#reporter.failure({ error });
        return undefined;
      });
    const { interrupted } = about;
    const drawn = { model: about.model.path, inputs: this.#inputs, interrupted };
    const sheet = this.sheet && (await attempt(this.sheet.write(this.#folder, drawn)));
    const manifest = this.#manifest.write({ ...about, contactSheet: sheet?.file });
    const hasManifest = (await attempt(manifest.then(() => true))) ?? false;
    const report = hasManifest && writeReport ? await attempt(writeReport()) : undefined;
    this.#reporter.end({
      inputs: this.#inputs.length,
      done: this.done,
      failed: this.#failed.size,
      results: this.#results,
      interrupted,
      hasManifest,
      report,
      sheet,
    });
    if (interrupted) return EXIT.interrupted;
    if (this.isUnusable) return EXIT.unusable;
    return this.#failed.size > 0 || !isWhole ? EXIT.inputsFailed : EXIT.done;
  }
}
