import { basename, extname } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { findPictures, PICTURE_EXTENSIONS } from '../io/find-pictures.ts';
import { NameSet, numbered } from './name-set.ts';

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
  const stems = new NameSet();
  const inputs: CommandInput[] = [];
  for (const argument of given) {
    try {
      for (const path of await findPictures(argument, EXTENSIONS)) {
        const extension = extname(path);
        const stem = numbered(basename(path, extension), candidate => !stems.has(candidate));
        stems.add(stem);
        inputs.push({ path, stem, isTensor: extension.toLowerCase() === '.npy' });
      }
    } catch (error) {
      if (!(error instanceof OnnxCamError)) throw error;
      inputs.push({ path: argument, error });
    }
  }
  return inputs;
}
