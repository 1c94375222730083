import { basename, extname } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { findPictures, PICTURE_EXTENSIONS } from '../io/find-pictures.ts';
import { type NamedInput, settleStems } from './stems.ts';

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

export interface ExpandOptions {
  /** Is told which files of a folder are left out, in a line for each folder. */
  readonly note?: (text: string) => void;
  /** The folder for results, in which no inputs are looked for. */
  readonly out?: string;
  /** Names of single files besides the arguments: taken as they are, not looked up. */
  readonly listed?: Iterable<string>;
}

/**
 * Turns the command's arguments into files: named ones as they are, folders and globs into what is in them and below; and names
 * their files, over the whole list (lib/cli/stems.ts).
 */
export async function expandInputs(
  given: readonly string[],
  { note = () => {}, out, listed = [] }: ExpandOptions = {},
): Promise<CommandInput[]> {
  const inputs: (NamedInput | MissingInput)[] = [];
  const take = (path: string, below: string) => inputs.push({ path, below, isTensor: isTensorFile(path) });
  for (const argument of given) {
    try {
      const onSkipped = (names: readonly string[]) => note(skippedText(argument, names));
      const found = await findPictures(argument, { extensions: EXTENSIONS, except: out, onSkipped });
      for (const { path, below } of found) take(path, below);
    } catch (error) {
      if (!(error instanceof OnnxCamError)) throw error;
      if (!inputs.some(({ path }) => path === argument)) inputs.push({ path: argument, error });
    }
  }
  for (const path of listed) take(path, basename(path));
  const stems = settleStems(inputs.filter(input => 'below' in input)).values();
  return inputs.map(input =>
    'below' in input ? { path: input.path, stem: stems.next().value!, isTensor: input.isTensor } : input,
  );
}

/** By its name. */
export function isTensorFile(path: string): boolean {
  return extname(path).toLowerCase() === '.npy';
}

function skippedText(folder: string, names: readonly string[]): string {
  const further = names.length - MOST_NAMES;
  const shown = names.slice(0, MOST_NAMES).join(', ') + (further > 0 ? ` and ${further} more` : '');
  return `left out in ${folder}: ${shown} (no pictures that can be read)`;
}
