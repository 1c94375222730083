import { type FileHandle, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { differenceOf, isSameMetric, type RunIdentity } from '../evaluation/run-record.ts';
import { copyWhole } from '../io/copy-whole.ts';
import { folderError, outputError } from '../io/output-error.ts';
import { createTemporary } from '../io/temporary-file.ts';
import type { EvaluatedPicture } from './evaluated-image.ts';
import { headerOf, PICTURES_FILE, readEvaluated } from './read-evaluated.ts';

export interface PicturesOptions {
  readonly run: RunIdentity;
  /** Images that are kept, from the first on. */
  readonly most: number;
  /** Keep what an earlier run of the same settings left in the folder. */
  readonly resume: boolean;
}

/** pictures.jsonl of a run in a folder: pictures and maps of the first images, written as they come, whole lines. */
export class EvaluationPictures {
  /** What is to be known of what an earlier run left. */
  readonly warnings: readonly string[];
  readonly #folder: string;
  readonly #most: number;
  readonly #file: FileHandle;
  /** Names of the images with a picture, by their places. */
  readonly #known: ReadonlyMap<number, string>;

  private constructor(folder: string, most: number, file: FileHandle, known: Map<number, string>, warnings: string[]) {
    this.#folder = folder;
    this.#most = most;
    this.#file = file;
    this.#known = known;
    this.warnings = warnings;
  }

  /** The page of an earlier run is removed. @throws `ERR_OUTPUT` for a folder that cannot be written to */
  static async open(folder: string, { run, most, resume }: PicturesOptions): Promise<EvaluationPictures> {
    const path = join(folder, PICTURES_FILE);
    const known = new Map<number, string>();
    const warnings: string[] = [];
    const { path: temporary, file } = await createTemporary(folder).catch(cause => {
      throw folderError(folder, cause);
    });
    try {
      await rm(join(folder, 'index.html'), { force: true });
      await file.appendFile(headerOf(run));
      if (resume) {
        const wrong = await takeOver(folder, run, async picture => {
          if (picture.picture) known.set(picture.index, picture.name);
          await file.appendFile(lineOf(picture));
        });
        if (wrong !== undefined) warnings.push(`${wrong}; the page shows less of what was evaluated before`);
      }
      await rename(temporary, path);
      return new EvaluationPictures(folder, most, file, known, warnings);
    } catch (cause) {
      await file.close();
      await rm(temporary, { force: true });
      throw cause instanceof OnnxCamError ? cause : outputError(path, cause as NodeJS.ErrnoException);
    }
  }

  /** Whether an image is among those that are kept. */
  wants(index: number): boolean {
    return index < this.#most;
  }

  /** Whether a line of it with its picture was taken over. */
  hasPicture(index: number, name: string): boolean {
    return this.#known.get(index) === name;
  }

  /** @throws `ERR_OUTPUT` */
  async write(picture: EvaluatedPicture): Promise<void> {
    try {
      await this.#file.appendFile(lineOf(picture));
    } catch (cause) {
      throw outputError(join(this.#folder, PICTURES_FILE), cause as NodeJS.ErrnoException);
    }
  }

  /** Copies the file into another folder. @throws `ERR_OUTPUT` */
  async copyTo(folder: string): Promise<void> {
    await copyWhole(join(this.#folder, PICTURES_FILE), join(folder, PICTURES_FILE));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

const lineOf = (picture: EvaluatedPicture): string => `${JSON.stringify(picture)}\n`;

/** Failed images are tried again; curves of metrics with other parameters hold no more. */
async function takeOver(
  folder: string,
  run: RunIdentity,
  take: (picture: EvaluatedPicture) => Promise<void>,
): Promise<string | undefined> {
  let earlier = run;
  const differs = (found: RunIdentity) => {
    earlier = found;
    return differenceOf(found, run);
  };
  const holds = (metric: string) => !(metric in run.metrics) || isSameMetric(earlier, run, metric);
  return readEvaluated(folder, differs, async picture => {
    if (picture.error) return;
    const maps = picture.maps.map(map => ({
      ...map,
      curves: Object.fromEntries(Object.entries(map.curves).filter(([metric]) => holds(metric))),
    }));
    await take({ ...picture, maps });
  });
}
