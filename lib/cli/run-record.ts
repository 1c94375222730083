import type { SheetRecord } from './contact-sheet.ts';
import { EXIT } from './failure.ts';
import { failureRecord, resultRecord } from './manifest-lines.ts';
import type { FailedInput, Reporter, RunSummary, SavedResult } from './reporter.ts';
import type { RunManifest } from './run-manifest.ts';

/** What has happened so far: counted, told to the reporter, written to the manifest. */
export class RunRecord {
  /** Inputs that were dealt with, one way or the other. */
  done: number;
  /** Whether an error was met that every further input would meet. */
  isUnusable = false;
  /** Where one is wanted. */
  readonly sheet: SheetRecord | undefined;
  readonly #manifest: RunManifest;
  readonly #reporter: Reporter;
  #failed: number;
  #isFailed = false;
  #results = 0;

  constructor(manifest: RunManifest, reporter: Reporter, sheet?: SheetRecord) {
    this.#manifest = manifest;
    this.#reporter = reporter;
    this.sheet = sheet;
    this.done = manifest.taken.done;
    this.#failed = manifest.taken.failed;
  }

  /** @param last whether it is the last of its input */
  async result(result: SavedResult, last: boolean): Promise<void> {
    this.#results++;
    await this.#manifest.add(resultRecord(result), last);
    await this.#reporter.result(result);
    if (last) this.#end();
  }

  async failure(failure: FailedInput, last: boolean): Promise<void> {
    this.#isFailed = true;
    await this.#manifest.add(failureRecord(failure), last);
    await this.#reporter.failure(failure);
    if (last) this.#end();
  }

  /** Of the input that was dealt with last. */
  #end(): void {
    this.done++;
    if (this.#isFailed) this.#failed++;
    this.#isFailed = false;
  }

  /** Of the manifest. @throws `ERR_OUTPUT` */
  close(): Promise<void> {
    return this.#manifest.close();
  }

  summary(): Omit<RunSummary, 'inputs' | 'interrupted' | 'report' | 'sheet'> {
    return {
      done: this.done,
      before: this.#manifest.taken.done,
      failed: this.#failed,
      results: this.#results,
      manifest: this.#manifest.path,
    };
  }

  get exitCode(): number {
    if (this.isUnusable) return EXIT.unusable;
    return this.#failed > 0 ? EXIT.inputsFailed : EXIT.done;
  }
}
