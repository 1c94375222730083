import { basename, extname } from 'node:path';
import { OnnxCamError } from '../../common/errors.ts';
import { type FindOptions, type FoundPicture, findPictures, PICTURE_EXTENSIONS } from '../../io/find-pictures.ts';
import { isRemote } from '../../stores/address.ts';
import { findRemote, remoteInput } from '../../stores/list-inputs.ts';
import { withoutResults } from './own-results.ts';
import { type NamedInput, settleStems } from './stems.ts';

const EXTENSIONS = [...PICTURE_EXTENSIONS, '.npy'];

/** One file to explain. */
export interface InputFile {
  /** The path as it was given or found; of what lies on a server its address, without secrets. */
  readonly path: string;
  /** Where it is fetched from, if `path` is not all of that. */
  readonly url?: string | undefined;
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
 * their files, over the whole list (stems.ts).
 */
export async function expandInputs(
  given: readonly string[],
  { note = () => {}, out, listed = [] }: ExpandOptions = {},
): Promise<CommandInput[]> {
  const inputs: ((NamedInput & Pick<InputFile, 'url'>) | MissingInput)[] = [];
  const take = ({ path, below, url }: { readonly path: string; readonly below: string; readonly url?: string }) => {
    const isTensor = isTensorFile(below);
    inputs.push(url === undefined ? { path, below, isTensor } : { path, url, below, isTensor });
  };
  for (const argument of given) {
    try {
      const onSkipped = (names: readonly string[]) => note(skippedText(argument, names));
      const options = { extensions: EXTENSIONS, except: out, onSkipped };
      for (const found of isRemote(argument)
        ? await findRemote(argument, options)
        : await findLocal(argument, options, note))
        take(found);
    } catch (error) {
      if (!(error instanceof OnnxCamError)) throw error;
      if (!inputs.some(({ path }) => path === argument)) inputs.push({ path: argument, error });
    }
  }
  for (const path of listed) take(isRemote(path) ? remoteInput(path) : { path, below: basename(path) });
  const stems = settleStems(inputs.filter(input => 'below' in input)).values();
  return inputs.map(input => {
    if (!('below' in input)) return input;
    const { path, url, isTensor } = input;
    const stem = stems.next().value!;
    // Of a million, objects that are made of parts of others take twice the room.
    return url === undefined ? { path, stem, isTensor } : { path, url, stem, isTensor };
  });
}

/** What a folder or glob gives, without results of earlier runs; a file that is named is taken as it is. */
async function findLocal(
  argument: string,
  options: FindOptions,
  note: (text: string) => void,
): Promise<readonly FoundPicture[]> {
  const found = await findPictures(argument, options);
  if (found[0]?.path === argument) return found;
  const { kept, left } = await withoutResults(found);
  if (left > 0) note(`left out in ${argument}: ${left} files that explain wrote there`);
  if (kept.length > 0) return kept;
  throw new OnnxCamError('ERR_IMAGE_NOT_FOUND', `${argument} holds nothing but files that explain wrote there`);
}

/** By its name; of an address, by that of its path. */
export function isTensorFile(path: string): boolean {
  const name = /^https?:/i.test(path) ? path.replace(/\?.*$/s, '') : path;
  return extname(name).toLowerCase() === '.npy';
}

function skippedText(folder: string, names: readonly string[]): string {
  const further = names.length - MOST_NAMES;
  const shown = names.slice(0, MOST_NAMES).join(', ') + (further > 0 ? ` and ${further} more` : '');
  return `left out in ${folder}: ${shown} (no pictures that can be read)`;
}
