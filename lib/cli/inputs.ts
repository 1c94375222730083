import { basename, extname } from 'node:path';
import { OnnxCamError } from '../errors.ts';
import { findPictures, PICTURE_EXTENSIONS } from '../io/find-pictures.ts';

const EXTENSIONS = [...PICTURE_EXTENSIONS, '.npy'];

/** One file to explain. */
export interface InputFile {
  /** The path as it was given or found. */
  readonly path: string;
  /** First part of the names of its output files; no two inputs share one. */
  readonly stem: string;
  /** A preprocessed tensor (.npy) instead of a picture. */
  readonly isTensor: boolean;
}

/** An argument that stands for no file. */
export interface MissingInput {
  readonly path: string;
  readonly error: OnnxCamError;
}

export type CommandInput = InputFile | MissingInput;

/** Turns the command's arguments into files: named ones as they are, folders and globs into what is in them. */
export async function expandInputs(given: readonly string[]): Promise<CommandInput[]> {
  const stems = new StemAllocator();
  const inputs: CommandInput[] = [];
  for (const argument of given) {
    try {
      for (const path of await findPictures(argument, EXTENSIONS))
        inputs.push({ path, stem: stems.allocate(path), isTensor: extname(path).toLowerCase() === '.npy' });
    } catch (error) {
      if (!(error instanceof OnnxCamError)) throw error;
      inputs.push({ path: argument, error });
    }
  }
  return inputs;
}

/** Gives each file its own stem: a name that is taken gets -2, -3, … */
class StemAllocator {
  readonly #taken = new Set<string>();

  allocate(path: string): string {
    const stem = basename(path, extname(path));
    for (let count = 1; ; count++) {
      const candidate = count === 1 ? stem : `${stem}-${count}`;
      const key = normalized(candidate);
      if (this.#taken.has(key)) continue;
      this.#taken.add(key);
      return candidate;
    }
  }
}

/** File systems of Windows and macOS hold `Cat.png` and `cat.png` for the same file. */
function normalized(stem: string): string {
  return process.platform === 'win32' || process.platform === 'darwin' ? stem.toLowerCase() : stem;
}
