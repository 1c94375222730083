import { readdir, stat } from 'node:fs/promises';
import { basename, extname, isAbsolute, join, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { OnnxCamError } from '../errors.ts';

/** What is taken from folders and globs: sharp's formats and tensors. A file named outright may have any name. */
const EXTENSIONS: ReadonlySet<string> = new Set([
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.png',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
  '.svg',
  '.npy',
]);

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

/**
 * Turns the command's arguments into files: pictures and tensors as they are, folders into the pictures directly inside
 * them, globs into what they match (both sorted by name). A name that exists is never read as a glob.
 */
export async function expandInputs(given: readonly string[]): Promise<CommandInput[]> {
  const stems = new StemAllocator();
  const inputs: CommandInput[] = [];
  for (const argument of given) {
    const found = await expand(argument);
    if (found instanceof OnnxCamError) inputs.push({ path: argument, error: found });
    else
      for (const path of found)
        inputs.push({ path, stem: stems.allocate(path), isTensor: extname(path).toLowerCase() === '.npy' });
  }
  return inputs;
}

async function expand(argument: string): Promise<string[] | OnnxCamError> {
  const info = await stat(argument).catch(() => undefined);
  if (info?.isDirectory()) return listFolder(argument);
  const pattern = sep === '\\' ? argument.replaceAll('\\', '/') : argument;
  // A plain name that does not exist fails when it is opened, like any other bad file.
  if (info || !isDynamicPattern(pattern)) return [argument];
  const matches = await glob(pattern, { onlyFiles: true, expandDirectories: false, absolute: isAbsolute(argument) });
  const known = matches.filter(isKnown).sort();
  if (known.length > 0) return known;
  return notFound(
    matches.length === 0
      ? `no file matches '${argument}'`
      : `'${argument}' matches ${matches.length} files, none of them a picture or .npy file (known: ${[...EXTENSIONS].join(' ')})`,
  );
}

async function listFolder(folder: string): Promise<string[] | OnnxCamError> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries.filter(entry => !entry.isDirectory() && isKnown(entry.name)).map(entry => entry.name);
    if (names.length > 0) return names.sort().map(name => join(folder, name));
    return notFound(
      `the folder ${folder} holds no picture or .npy file (subfolders are not searched; '${join(folder, '**')}' does)`,
    );
  } catch (cause) {
    return new OnnxCamError('ERR_IMAGE_INVALID', `the folder ${folder} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Hidden files are left out, such as the `._name.jpg` that macOS leaves on foreign disks. */
function isKnown(path: string): boolean {
  return EXTENSIONS.has(extname(path).toLowerCase()) && !basename(path).startsWith('.');
}

function notFound(message: string): OnnxCamError {
  return new OnnxCamError('ERR_IMAGE_NOT_FOUND', message);
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
