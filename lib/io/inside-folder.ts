import { realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { type OpenFile, openRegular } from './regular-file.ts';

/** A name that leads out of the folder in which its file must be. */
export class LeavesFolder extends Error {}

/**
 * Opens a file that a file in the same folder names, such as a model its weights. What is named may come from anywhere, so
 * only ordinary files inside the folder are opened: absolute paths, `..` and links that lead out of it are refused.
 * @throws LeavesFolder, UnfitFile, and what the file system answers
 */
export async function openNamedInside(folder: string, name: string): Promise<OpenFile> {
  const leaves = name === '' || name.includes('\0') || name.split(/[\\/]/).includes('..');
  if (leaves || isAbsolute(name) || /^[A-Za-z]:/.test(name) || name.startsWith('\\'))
    throw new LeavesFolder(`"${name}" is no name of a file inside the folder`);
  return openInside(folder, join(folder, name));
}

/** Whether a path that `relative` gave leads out of the folder that it starts from. */
export function leadsOut(path: string): boolean {
  return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path);
}

/** The same for a path that is in the folder unless it is a link. */
export async function openInside(folder: string, path: string): Promise<OpenFile> {
  const target = await realpath(path);
  const inside = relative(await realpath(folder), target);
  if (inside === '' || leadsOut(inside)) throw new LeavesFolder(`"${path}" is a link that leads out of its folder`);
  return openRegular(target, { noFollow: true });
}
