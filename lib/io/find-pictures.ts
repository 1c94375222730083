import { stat } from 'node:fs/promises';
import { basename, extname, isAbsolute, relative, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { OnnxCamError } from '../common/errors.ts';
import { isError } from '../common/kinds.ts';
import { leadsOut } from './inside-folder.ts';
import { walkFolder } from './walk-folder.ts';

/** What is taken from folders and globs: the formats that sharp's own binaries read, and BMP. */
export const PICTURE_EXTENSIONS = [
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.png',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.bmp',
  '.avif',
  '.svg',
];

export interface FoundPicture {
  readonly path: string;
  /** Its path below the folder or the fixed part of the glob, with `/`; the name of a file that was named itself. */
  readonly below: string;
}

export interface FindOptions {
  /** Of the files that folders and globs give, in lower case with the dot. */
  readonly extensions?: readonly string[];
  /** A folder whose files are none of them, such as the one that results are written to. */
  readonly except?: string;
  /** Is told the other files of a folder, by their paths below it, where there are some. */
  readonly onSkipped?: (names: readonly string[]) => void;
}

/**
 * The pictures that a text names: a file, whatever its name; those in a folder and its subfolders; a glob's matches. Sorted by
 * path. What exists is never read as a glob. Hidden files and folders are left out (`._name.jpg` of macOS is no picture).
 * @throws `ERR_IMAGE_NOT_FOUND` when there is nothing of the kind, `ERR_IMAGE_INVALID` when it cannot be read
 */
export async function findPictures(
  source: string,
  { extensions = PICTURE_EXTENSIONS, except, onSkipped = () => {} }: FindOptions = {},
): Promise<FoundPicture[]> {
  const isKnown = (path: string) => extensions.includes(extname(path).toLowerCase()) && !basename(path).startsWith('.');
  const info = await stat(source).catch((error: NodeJS.ErrnoException) => error);
  const isFound = !isError(info);
  if (isFound && info.isDirectory()) {
    const { files, unread } = await walkFolder(source, except).catch(cause => {
      throw unreadable(`the folder ${source}`, cause as Error);
    });
    const known = files.filter(({ path }) => isKnown(path));
    const skipped = [...files.filter(({ path }) => !isKnown(path)).map(({ below }) => below), ...unread];
    if (skipped.length > 0) onSkipped(skipped.sort());
    if (known.length > 0) return known;
    throw notFound(`the folder ${source} and its subfolders hold no pictures (known: ${extensions.join(' ')})`);
  }
  if (isFound) return [{ path: source, below: basename(source) }];
  const pattern = sep === '\\' ? source.replaceAll('\\', '/') : source;
  if (!isDynamicPattern(pattern)) {
    if (info.code === 'ENOENT' || info.code === 'ENOTDIR')
      throw notFound(`no picture at ${source}: the file does not exist`);
    throw unreadable(source, info);
  }
  const fixed = fixedPart(pattern);
  const found = await glob(pattern, { onlyFiles: true, expandDirectories: false, absolute: isAbsolute(source) });
  // Who looks in that folder itself means its files.
  const matches = except === undefined || isIn(fixed, except) ? found : found.filter(path => !isIn(path, except));
  const known = matches.filter(isKnown).sort();
  if (known.length > 0) return known.map(path => ({ path, below: belowOf(path, fixed) }));
  throw notFound(
    matches.length === 0
      ? `no file matches '${source}'`
      : `'${source}' matches ${matches.length} files, none of them a picture (known: ${extensions.join(' ')})`,
  );
}

/** The folders in front of the first that a pattern leaves open. */
function fixedPart(pattern: string): string {
  const parts = pattern.split('/');
  const open = parts.findIndex(part => isDynamicPattern(part));
  return parts.slice(0, Math.max(0, open)).join('/') || (isAbsolute(pattern) ? '/' : '.');
}

function belowOf(path: string, folder: string): string {
  const below = relative(folder, path);
  return leadsOut(below) ? basename(path) : below.split(sep).join('/');
}

function isIn(path: string, folder: string): boolean {
  return !leadsOut(relative(folder, path));
}

function unreadable(what: string, cause: Error): OnnxCamError {
  return new OnnxCamError('ERR_IMAGE_INVALID', `${what} cannot be read: ${cause.message}`, { cause });
}

function notFound(message: string): OnnxCamError {
  return new OnnxCamError('ERR_IMAGE_NOT_FOUND', message);
}
