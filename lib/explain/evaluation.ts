import { invalid } from '../common/checks.ts';
import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import type { Progress } from '../common/progress.ts';
import { RESAMPLES } from '../evaluation/bootstrap.ts';
import { EvaluationFiles } from '../evaluation/files.ts';
import type { Provenance } from '../evaluation/provenance.ts';
import type { EvaluationRow } from '../evaluation/rows.ts';
import type { RunIdentity } from '../evaluation/run-record.ts';
import { type EvaluationSummary, SummaryBuilder, type SummaryOptions } from '../evaluation/summary.ts';
import { runStream } from '../io/picture-stream.ts';
import { makeTemporaryFolder, removeTemporaryFolder } from '../io/temporary-folder.ts';
import { failedPicture } from '../report/evaluated-image.ts';
import { evaluationPage } from '../report/evaluation-page.ts';
import { EvaluationPictures } from '../report/evaluation-pictures.ts';
import type { EvaluationRun, SavedEvaluation } from './evaluate-options.ts';
import type { ImageRows, Known } from './evaluate-rows.ts';

/** What runs an evaluation. */
export interface EvaluationParts {
  /** The images, in order. */
  readonly source: () => Promise<Iterable<unknown> | AsyncIterable<unknown>>;
  /** Explains and measures an image. */
  readonly evaluate: (input: unknown, index: number, known: Known) => Promise<ImageRows>;
  readonly nameOf: (input: unknown, index: number) => string;
  readonly identity: () => Promise<RunIdentity>;
  readonly provenance: () => Promise<Omit<Provenance, 'images' | 'bootstrap' | 'started' | 'resumed'>>;
  readonly summed: SummaryOptions;
  readonly limit: number | undefined;
  readonly chosen: string;
  readonly concurrency: number;
  readonly folder: string | undefined;
  readonly resume: boolean;
  /** Images that the page shows. */
  readonly pictures: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/**
 * An evaluation that is under way: its rows, one for each image, map and metric, in the order of the images. Rows are kept in
 * a file, not in memory.
 */
export class Evaluation implements EvaluationRun {
  readonly #parts: EvaluationParts;
  readonly #builder: SummaryBuilder;
  readonly #started = new Date().toISOString();
  #files: EvaluationFiles | undefined;
  #pictures: EvaluationPictures | undefined;
  #temporary: string | undefined;
  #rows: AsyncGenerator<EvaluationRow, void, void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #given = 0;
  #leftOut = 0;
  #summary: Promise<EvaluationSummary> | undefined;

  /** @internal */
  constructor(parts: EvaluationParts) {
    this.#parts = parts;
    this.#builder = new SummaryBuilder(parts.summed);
  }

  /**
   * Rows from where the last reader stopped: who leaves a loop leaves the rest to `summary`, or to another loop.
   * @throws what evaluating throws for every image; an image that fails is a row with `error`
   */
  [Symbol.asyncIterator](): AsyncIterator<EvaluationRow, void, void> {
    this.#rows ??= this.#run();
    const rows = this.#rows;
    return { next: () => rows.next(), return: async () => ({ done: true, value: undefined }) };
  }

  /**
   * What all rows say; those that nobody has read yet are made first.
   * @throws what reading the rows throws, also where another reader has met it; `ERR_ABORTED`
   */
  summary(): Promise<EvaluationSummary> {
    this.#summary ??= this.#summarize();
    return this.#summary;
  }

  /**
   * Writes metrics.csv, curves.json, summary.json and pictures.jsonl into a folder, which is made, and the page index.html last.
   * @throws `ERR_OUTPUT`, `ERR_OPTION_INVALID`, and what `summary` throws
   */
  async save(folder: string): Promise<SavedEvaluation> {
    if (typeof folder !== 'string' || folder === '') throw invalid('save takes the path of a folder');
    const summary = await this.summary();
    if (folder === this.#files!.folder) await this.#files!.finish(summary);
    else {
      await this.#files!.copyTo(folder, summary);
      await this.#pictures!.copyTo(folder);
    }
    try {
      const { path, warnings } = await evaluationPage(folder);
      return { path, warnings: [...this.#pictures!.warnings, ...warnings] };
    } catch (error) {
      throw withoutPage(error, folder);
    }
  }

  async #summarize(): Promise<EvaluationSummary> {
    for await (const _ of this) {
      // Rows are kept by the files and the builder.
    }
    // Whoever read the rows has met it there; what was made before it is not the whole.
    if (this.#failure) throw this.#failure.error;
    const { provenance, chosen, signal } = this.#parts;
    return this.#builder.summary(
      {
        ...(await provenance()),
        images: { given: this.#given, chosen, leftOut: this.#leftOut },
        bootstrap: { resamples: this.#parts.summed.resamples ?? RESAMPLES, interval: 'percentile, 95 %' },
        started: this.#started,
        resumed: (this.#files?.taken ?? 0) > 0,
      },
      signal,
    );
  }

  async *#run(): AsyncGenerator<EvaluationRow, void, void> {
    const { source, evaluate, nameOf, concurrency, signal, limit, onProgress } = this.#parts;
    throwIfAborted(signal);
    try {
      const images = first(await source(), limit);
      const total = await countOf(images);
      const { files, pictures } = await this.#open();
      const known: Known = {
        has: place => files.has(place),
        isShown: index => pictures.wants(index),
        hasPicture: (index, name) => pictures.hasPicture(index, name),
      };
      const task = (input: unknown, index: number) => evaluate(input, index, known);
      for await (const { input, result, error } of runStream(images, task, { concurrency, signal })) {
        const index = this.#given++;
        if (result?.leftOut) this.#leftOut++;
        const failed = error && {
          image: nameOf(input, index),
          index,
          error: { code: error.code, message: error.message },
        };
        // Before its rows: an image without them is evaluated again by whoever goes on.
        const picture = failed ? pictures.wants(index) && failedPicture(failed) : result!.picture;
        if (picture) await pictures.write(picture);
        const rows: readonly EvaluationRow[] = failed ? [failed] : result!.rows;
        const extras = failed ? [] : result!.extras;
        await files.write(rows, extras);
        for (const [i, row] of rows.entries()) this.#builder.add(row, extras[i]);
        onProgress?.({ done: this.#given, total: total ?? this.#given, index, input });
        yield* rows;
      }
    } catch (error) {
      this.#failure = { error };
      throw error;
    } finally {
      await this.#files?.close();
      await this.#pictures?.close();
      // Of a run that failed nothing is wanted but what the caller's folder has.
      if (this.#failure) await this.#removeTemporary();
    }
  }

  async #open(): Promise<{ readonly files: EvaluationFiles; readonly pictures: EvaluationPictures }> {
    const { identity, folder, resume, limit = Number.POSITIVE_INFINITY, pictures: most } = this.#parts;
    const run = await identity();
    if (folder === undefined) this.#temporary = await makeTemporaryFolder('onnx-cam-evaluation-');
    const into = folder ?? this.#temporary!;
    // The table keeps the images behind a smaller limit; the summary is of those that were asked for.
    const onRow = (row: EvaluationRow) => void (row.index < limit && this.#builder.add(row));
    const files = await EvaluationFiles.open(into, { run, resume, onRow });
    this.#files = files;
    const pictures = await EvaluationPictures.open(into, { run, most, resume });
    this.#pictures = pictures;
    return { files, pictures };
  }

  /** Removes what was kept of the rows; nothing of what was saved. */
  async dispose(): Promise<void> {
    await this.#rows?.return();
    await this.#removeTemporary();
  }

  async #removeTemporary(): Promise<void> {
    if (this.#temporary) await removeTemporaryFolder(this.#temporary);
    this.#temporary = undefined;
  }

  /** The same, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

/** What went wrong with the page alone. */
function withoutPage(error: unknown, folder: string): unknown {
  if (!(error instanceof OnnxCamError)) return error;
  const message = `${error.message} (the page alone is missing: the other files of the evaluation are in ${folder})`;
  return new OnnxCamError(error.code, message, { cause: error });
}

/** Undefined where only reading tells. */
async function countOf(images: Iterable<unknown> | AsyncIterable<unknown>): Promise<number | undefined> {
  return Array.isArray(images) ? images.length : undefined;
}

function first(
  images: Iterable<unknown> | AsyncIterable<unknown>,
  limit: number | undefined,
): Iterable<unknown> | AsyncIterable<unknown> {
  if (limit === undefined) return images;
  if (Array.isArray(images)) return images.slice(0, limit);
  return (async function* () {
    let given = 0;
    for await (const image of images) {
      yield image;
      if (++given === limit) return;
    }
  })();
}
