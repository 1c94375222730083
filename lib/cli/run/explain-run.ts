import { packageVersion } from '#package';
import type { OnnxCamError } from '../../common/errors.ts';
import { unlessAborted } from '../../common/unless-aborted.ts';
import { runtimeInfo } from '../../engine/library.ts';
import { type ManifestPart, manifestName } from '../../manifest/manifest-name.ts';
import { refuseOthers } from '../../manifest/refuse-others.ts';
import type { RunHeader } from '../../manifest/run-header.ts';
import { shownAddress } from '../../stores/address.ts';
import type { OutputStore } from '../../stores/output-store.ts';
import type { CommandContext } from '../context.ts';
import type { CommandInput } from '../inputs/inputs.ts';
import { EXIT } from '../tell/failure.ts';
import type { PictureProtocol } from '../tell/terminal-pictures.ts';
import { plural } from '../tell/text.ts';
import { SheetRecord, type WrittenSheet } from './contact-sheet.ts';
import { concurrencyFor, explainInputs } from './explain-inputs.ts';
import type { ExplainRequest } from './explain-request.ts';
import { openModel } from './open-model.ts';
import { PAGE, writeFolderReport } from './report-files.ts';
import type { Reporter } from './reporter.ts';
import { type Going, RunManifest } from './run-manifest.ts';
import { RunRecord } from './run-record.ts';

/** Everything that decides what a run does. */
export interface ExplainRun {
  readonly model: string;
  readonly request: ExplainRequest;
  /** In the order in which they are done. */
  readonly inputs: readonly CommandInput[];
  /** Where the run is a part of several. */
  readonly part?: ManifestPart | undefined;
  readonly going: Going;
  /** Where results go. */
  readonly store: OutputStore;
  /** Whether to write the page of the results too. */
  readonly report: boolean;
  /** Photographs that the page shows (lib/report/read-options.ts). */
  readonly pictures?: number | undefined;
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
  const { console, signal } = context;
  const { store } = run;
  // A server may be silent for long; a folder is there at once, and an interrupted run leaves its manifest in it.
  const undo = await (store.folder === undefined ? unlessAborted(store.prepare(), signal) : store.prepare());
  let record: RunRecord | undefined;
  let unusable: OnnxCamError | undefined;
  try {
    const model = await openModel(context, run.model, { ...run.request.load, signal });
    try {
      const methods = run.request.chooseMethods(model);
      const header = await runHeader(run, await model.sha256(), methods);
      if (store.folder !== undefined) await refuseOthers(store.folder, run.part, header);
      const manifest = await RunManifest.open({ ...run, header, signal });
      tellTaken(context, manifest);
      record = new RunRecord(manifest, reporter, { sheet: run.sheet ? new SheetRecord(methods) : undefined });
      reporter.begin(manifest.left, methods);
      if (run.progress) console.progress.start(run.inputs.length);
      unusable = await explainInputs(
        context,
        {
          model,
          explain: { ...run.request.explain, methods },
          store,
          save: run.request.save,
          show: run.show,
          concurrency: concurrencyFor(model, manifest.left),
        },
        manifest.left,
        record,
      );
    } finally {
      await model.dispose();
    }
  } catch (error) {
    if (!signal.aborted) {
      // What it could say would hide the reason.
      await record?.close().catch(() => {});
      await undo();
      throw error;
    }
    record ??= await emptyRecord(run, reporter).catch(() => undefined);
  } finally {
    console.progress.stop();
  }
  return conclude(context, run, { record, unusable }, reporter);
}

/**
 * What the manifest says of a run.
 * @param methods their canonical names, where the model that they are for was loaded
 */
export async function runHeader(
  { model, request }: Pick<ExplainRun, 'model' | 'request'>,
  sha256: string | null,
  methods?: readonly string[],
): Promise<RunHeader> {
  return {
    versions: {
      'onnx-cam': packageVersion(),
      node: process.versions.node,
      onnxruntime: await runtimeInfo().then(
        ({ version }) => version,
        () => null,
      ),
    },
    model: shownAddress(model),
    sha256,
    options: { ...(await request.recorded()), ...(methods && { method: methods }) },
    started: new Date().toISOString(),
  };
}

/** Of a run that was interrupted before it began: its manifest is a header, where there is none yet. */
async function emptyRecord(run: ExplainRun, reporter: Reporter): Promise<RunRecord | undefined> {
  if (await run.store.presence().has(manifestName(run.part))) return undefined;
  const header = await runHeader(run, null);
  // Without the signal, which has fired already.
  return new RunRecord(await RunManifest.open({ ...run, header }), reporter);
}

function tellTaken({ console }: CommandContext, { taken, path }: RunManifest): void {
  const { done, difference } = taken;
  if (difference !== undefined)
    console.warn(`the results in ${path} were made ${difference}: everything is done again, and they are replaced`);
  if (done > 0) console.note(`${plural(done, 'input')} done before`);
}

interface Ended {
  /** None where the run was interrupted before it began. */
  readonly record: RunRecord | undefined;
  /** What every further input would meet. */
  readonly unusable: OnnxCamError | undefined;
}

/** Closes the manifest, writes the contact sheet and the report; tells the reporter the end, and gives the exit code. */
async function conclude(
  { console, signal }: CommandContext,
  run: ExplainRun,
  { record, unusable }: Ended,
  reporter: Reporter,
): Promise<number> {
  const interrupted = signal.aborted;
  let isWhole = true;
  const attempt = async <T>(written: Promise<T>): Promise<T | undefined> => {
    try {
      return await written;
    } catch (error) {
      isWhole = false;
      await reporter.failure({ error });
      return undefined;
    }
  };
  const about = { model: shownAddress(run.model), inputs: run.inputs, interrupted };
  let sheet: WrittenSheet | null | undefined;
  let report: string | undefined;
  if (record) {
    await attempt(record.close());
    if (record.sheet) sheet = await attempt(record.sheet.write(run.store, about));
    if (run.report) report = await attempt(writeReport(console, run));
  }
  const begun = record?.summary() ?? { done: 0, before: 0, failed: 0, results: 0, manifest: undefined };
  reporter.end({ ...begun, inputs: run.inputs.length, interrupted, report, sheet });
  if (interrupted) return EXIT.interrupted;
  if (unusable) return EXIT.unusable;
  const { exitCode = EXIT.done } = record ?? {};
  return exitCode === EXIT.done && !isWhole ? EXIT.inputsFailed : exitCode;
}

async function writeReport(
  console: CommandContext['console'],
  { store, pictures, progress }: ExplainRun,
): Promise<string> {
  const path = store.pathOf(PAGE);
  await writeFolderReport(console, { folders: [store.folder!], path, pictures, progress });
  return path;
}
