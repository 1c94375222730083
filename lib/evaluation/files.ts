import { type FileHandle, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { visibleLines } from '../common/visible.ts';
import { writeFileAtomic } from '../io/atomic-write.ts';
import { copyWhole } from '../io/copy-whole.ts';
import { makeFolder } from '../io/make-folder.ts';
import { folderError, outputError } from '../io/output-error.ts';
import { createTemporary } from '../io/temporary-file.ts';
import { csvLines, HEADER } from './csv-rows.ts';
import { CURVED, type CurveSums, type MeanCurve } from './curves.ts';
import type { Extra } from './data-set.ts';
import { nothingTaken, resumeRows, type Taken } from './resume.ts';
import { type EvaluationRow, isFailed, type MetricRow, type RowPlace } from './rows.ts';
import type { RowsDone } from './rows-done.ts';
import type { RunIdentity, RunRecord } from './run-record.ts';
import type { EvaluationSummary } from './summary.ts';

/** Milliseconds between two writings of the curves: what an interruption by force may cost. */
const CHECKPOINT = 10_000;

export interface OpenOptions {
  readonly run: RunIdentity;
  /** Go on from what is in the folder, where it is of the same run. */
  readonly resume?: boolean;
  /** Gets every row that is taken over. */
  readonly onRow?: (row: MetricRow) => void;
}

/**
 * metrics.csv, curves.json and summary.json of a run in a folder. Rows are written as they come, whole lines; the others beside and
 * renamed. Curves are summed.
 */
export class EvaluationFiles {
  readonly folder: string;
  /** Rows of an earlier run that were taken over. */
  readonly taken: number;
  readonly #run: RunIdentity;
  readonly #table: FileHandle;
  readonly #done: RowsDone;
  readonly #curves: CurveSums;
  #curveRows: number;
  #written = performance.now();

  private constructor(folder: string, run: RunIdentity, table: FileHandle, state: Taken) {
    this.folder = folder;
    this.#run = run;
    this.#table = table;
    this.#done = state.done;
    this.#curves = state.curves;
    this.#curveRows = state.curveRows;
    this.taken = state.count;
  }

  /** @throws `ERR_OUTPUT` for a folder that cannot be made or written to, or with another table in it where it is resumed */
  static async open(folder: string, { run, resume = false, onRow = () => {} }: OpenOptions): Promise<EvaluationFiles> {
    await makeFolder(folder).catch(cause => {
      throw folderError(folder, cause);
    });
    const path = join(folder, 'metrics.csv');
    const taken = nothingTaken();
    // The table begins anew under another name, so that an interruption leaves the old one as it was.
    const { path: temporary, file } = await createTemporary(folder).catch(cause => {
      throw folderError(folder, cause);
    });
    try {
      await file.appendFile(HEADER);
      if (resume)
        await resumeRows(folder, run, taken, async rows => {
          await file.appendFile(csvLines(rows));
          rows.forEach(onRow);
        });
      await rm(join(folder, 'summary.json'), { force: true });
      const record = { run, rows: taken.curveRows, curves: taken.curves.means() };
      // No table lies beside the record of another run, at no time.
      if (!resume) {
        await rm(path, { force: true });
        await writeJson(join(folder, 'curves.json'), record);
      }
      await rename(temporary, path);
      if (resume) await writeJson(join(folder, 'curves.json'), record);
      return new EvaluationFiles(folder, run, file, taken);
    } catch (cause) {
      await file.close();
      await rm(temporary, { force: true });
      throw cause instanceof OnnxCamError ? cause : outputError(path, cause as NodeJS.ErrnoException);
    }
  }

  /** Whether a row was taken over: its value need not be computed again. */
  has(place: RowPlace): boolean {
    return this.#done.has(place);
  }

  /**
   * Adds rows at the end of the table.
   * @param extras what belongs to each of the rows, in their order
   * @throws `ERR_OUTPUT`
   */
  async write(rows: readonly EvaluationRow[], extras: readonly Extra[] = []): Promise<void> {
    if (rows.length === 0) return;
    try {
      await this.#table.appendFile(csvLines(rows));
    } catch (cause) {
      throw outputError(join(this.folder, 'metrics.csv'), cause as NodeJS.ErrnoException);
    }
    rows.forEach((row, i) => {
      if (isFailed(row) || !CURVED.has(row.metric)) return;
      this.#curveRows++;
      const curve = extras[i]?.curve;
      if (curve) this.#curves.add(row, curve);
    });
    if (performance.now() - this.#written > CHECKPOINT) await this.checkpoint();
  }

  /** Writes the curves so far. @throws `ERR_OUTPUT` */
  async checkpoint(): Promise<void> {
    this.#written = performance.now();
    const record: RunRecord = { run: this.#run, rows: this.#curveRows, curves: this.curves() };
    await writeJson(join(this.folder, 'curves.json'), record);
  }

  curves(): MeanCurve[] {
    return this.#curves.means();
  }

  /** Writes what belongs to the whole run. @throws `ERR_OUTPUT` */
  async finish(summary: EvaluationSummary): Promise<void> {
    await this.checkpoint();
    await writeJson(join(this.folder, 'summary.json'), summary);
  }

  /** Copies all files into another folder, which is made. @throws `ERR_OUTPUT` */
  async copyTo(folder: string, summary: EvaluationSummary): Promise<void> {
    await makeFolder(folder).catch(cause => {
      throw folderError(folder, cause);
    });
    await copyWhole(join(this.folder, 'metrics.csv'), join(folder, 'metrics.csv'));
    await writeJson(join(folder, 'curves.json'), { run: this.#run, rows: this.#curveRows, curves: this.curves() });
    await writeJson(join(folder, 'summary.json'), summary);
  }

  /** The curves are written before, also of a run that ends early. @throws `ERR_OUTPUT` */
  async close(): Promise<void> {
    try {
      await this.checkpoint();
    } finally {
      await this.#table.close();
    }
  }
}

/** Somebody will print it on a terminal. */
async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${visibleLines(JSON.stringify(value, null, 1))}\n`);
}
