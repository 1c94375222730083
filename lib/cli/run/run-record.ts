import { EXIT } from '../tell/failure.ts';
import type { SheetRecord } from './contact-sheet.ts';
import { failureRecord, resultRecord } from './manifest-lines.ts';
import type { FailedInput, Reporter, RunSummary, SavedResult } from './reporter.ts';
import type { RunManifest } from './run-manifest.ts';

/** An input by what the manifest says of it. */
export interface RecordedInput {
  readonly path: string;
  /** None where it stands for no file. */
  readonly stem?: string | undefined;
}

interface RecordOptions {
  readonly sheet?: SheetRecord | undefined;
  /** Is called when all lines of an input are written. */
  readonly onDone?: (input: RecordedInput, failed: boolean) => void;
}

/** What has happened so far: counted, told to the reporter, written to the manifest. */
export class RunRecord {
  /** Inputs that were dealt with, one way or the other. */
  done: number;
  /** Where one is wanted. */
  readonly sheet: SheetRecord | undefined;
  readonly #manifest: RunManifest;
  readonly #reporter: Reporter;
  readonly #onDone: (input: RecordedInput, failed: boolean) => void;
  #failed: number;
  #isFailed = false;
  #results = 0;

  constructor(manifest: RunManifest, reporter: Reporter, { sheet, onDone = () => {} }: RecordOptions = {}) {
    this.#manifest = manifest;
    this.#reporter = reporter;
    this.#onDone = onDone;
    this.sheet = sheet;
    this.done = manifest.taken.done;
    this.#failed = manifest.taken.failed;
  }

  /** @param last whether it is the last of its input */
  async result(result: SavedResult, last: boolean): Promise<void> {
    this.#results++;
    await this.#manifest.add(resultRecord(result), last);
    await this.#reporter.result(result);
    if (last) this.#end({ path: result.input, stem: result.name.stem });
  }

  async failure(failure: FailedInput, last: boolean): Promise<void> {
    this.#isFailed = true;
    // An input that failed as a whole has but one line.
    await this.#manifest.add(failureRecord(failure), last && failure.method !== undefined);
    await this.#reporter.failure(failure);
    if (last) this.#end({ path: failure.input!, stem: failure.stem });
  }

  #end(input: RecordedInput): void {
    this.done++;
    if (this.#isFailed) this.#failed++;
    this.#onDone(input, this.#isFailed);
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
    return this.#failed > 0 ? EXIT.inputsFailed : EXIT.done;
  }
}
