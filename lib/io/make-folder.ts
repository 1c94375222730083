import type { Stats } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, normalize } from 'node:path';

/**
 * Makes a folder and those above it that are missing. One level at a time, because Node's own `recursive` never ends where
 * a file system answers that a folder's parent is missing though it exists (/proc), and hides that it is read-only.
 * @returns whether the folder itself was made here, and not by somebody else at the same time
 * @throws what the file system answers; `ENOTDIR` with the path of what is no folder
 */
export async function makeFolder(folder: string): Promise<boolean> {
  const missing: string[] = [];
  let path = normalize(folder);
  let found = await lookUp(path);
  while (!found && dirname(path) !== path) {
    missing.unshift(path);
    path = dirname(path);
    found = await lookUp(path);
  }
  if (found && !found.isDirectory()) throw notAFolder(path);
  let made = false;
  for (const level of missing) made = await makeLevel(level);
  return made;
}

/** False where it exists by now: another process may have been quicker. */
async function makeLevel(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // A link to nothing is in the way without being found.
    if (!(await lookUp(path))?.isDirectory()) throw notAFolder(path);
    return false;
  }
}

/** Nothing where there is nothing, or where a file stands in the place of a folder above it. */
async function lookUp(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function notAFolder(path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${path}'`), { code: 'ENOTDIR', path });
}
