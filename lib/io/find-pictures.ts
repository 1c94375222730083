import { readdir, stat } from 'node:fs/promises';
import { basename, extname, isAbsolute, join, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { OnnxCamError } from '../common/errors.ts';

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

/**
 * The pictures that a text names: a file, whatever its name; those directly inside a folder; a glob's matches. Sorted by
 * name. What exists is never read as a glob. Hidden files are left out (`._name.jpg` of macOS is no picture).
 * @param extensions of the files that folders and globs give, in lower case with the dot
 * @param onSkipped is told the names of the other files of a folder, where there are some
 * @throws `ERR_IMAGE_NOT_FOUND` when there is nothing of the kind, `ERR_IMAGE_INVALID` when it cannot be read
 */
export async function findPictures(
  source: string,
  extensions: readonly string[] = PICTURE_EXTENSIONS,
  onSkipped: (names: readonly string[]) => void = () => {},
): Promise<string[]> {
  const isKnown = (path: string) => extensions.includes(extname(path).toLowerCase()) && !basename(path).startsWith('.');
  const info = await stat(source).catch((error: NodeJS.ErrnoException) => error);
  const isFound = !(info instanceof Error);
  if (isFound && info.isDirectory()) {
    const files = await filesOf(source);
    const names = files.filter(isKnown);
    const skipped = files.filter(name => !isKnown(name) && !name.startsWith('.'));
    if (skipped.length > 0) onSkipped(skipped.sort());
    if (names.length > 0) return names.sort().map(name => join(source, name));
    throw notFound(
      `the folder ${source} holds no pictures (folders in it are not searched; '${join(source, '**')}' does)`,
    );
  }
  const pattern = sep === '\\' ? source.replaceAll('\\', '/') : source;
  if (isFound) return [source];
  if (!isDynamicPattern(pattern)) {
    if (info.code === 'ENOENT' || info.code === 'ENOTDIR')
      throw notFound(`no picture at ${source}: the file does not exist`);
    throw unreadable(source, info);
  }
  const matches = await glob(pattern, { onlyFiles: true, expandDirectories: false, absolute: isAbsolute(source) });
  const known = matches.filter(isKnown).sort();
  if (known.length > 0) return known;
  throw notFound(
    matches.length === 0
      ? `no file matches '${source}'`
      : `'${source}' matches ${matches.length} files, none of them a picture (known: ${extensions.join(' ')})`,
  );
}

async function filesOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter(entry => !entry.isDirectory()).map(({ name }) => name);
  } catch (cause) {
    throw unreadable(`the folder ${folder}`, cause as Error);
  }
}

function unreadable(what: string, cause: Error): OnnxCamError {
  return new OnnxCamError('ERR_IMAGE_INVALID', `${what} cannot be read: ${cause.message}`, { cause });
}

function notFound(message: string): OnnxCamError {
  return new OnnxCamError('ERR_IMAGE_NOT_FOUND', message);
}
