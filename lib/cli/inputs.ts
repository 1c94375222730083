import { extname } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { findPictures, PICTURE_EXTENSIONS } from '../io/find-pictures.ts';
import { NameSet, numbered } from './name-set.ts';

const EXTENSIONS = [...PICTURE_EXTENSIONS, '.npy'];

/** One file to explain. */
export interface InputFile {
  /** The path as it was given or found. */
  readonly path: string;
  /** First part of the names of its output files, with the path below a folder or glob; no two inputs share one. */
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

/** Names of skipped files that are told; a folder may hold thousands. */
const MOST_NAMES = 5;

/**
 * Turns the command's arguments into files: named ones as they are, folders and globs into what is in them and below.
 * @param note is told which files of a folder are left out, in a line for each folder
 * @param out the folder for results, in which no inputs are looked for
 */
export async function expandInputs(
  given: readonly string[],
  note: (text: string) => void = () => {},
  out?: string,
): Promise<CommandInput[]> {
  const stems = new NameSet();
  const inputs: CommandInput[] = [];
  for (const argument of given) {
    try {
      const onSkipped = (names: readonly string[]) => note(skippedText(argument, names));
      for (const { path, below } of await findPictures(argument, { extensions: EXTENSIONS, except: out, onSkipped })) {
        const extension = extname(path);
        const stem = numbered(below.slice(0, below.length - extension.length), candidate => !stems.has(candidate));
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

function skippedText(folder: string, names: readonly string[]): string {
  const further = names.length - MOST_NAMES;
  const shown = names.slice(0, MOST_NAMES).join(', ') + (further > 0 ? ` and ${further} more` : '');
  return `left out in ${folder}: ${shown} (no pictures that can be read)`;
}
