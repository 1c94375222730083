import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A file in a folder or in one below it. */
export interface WalkedFile {
  readonly path: string;
  /** Its path below the folder that was walked, with `/`. */
  readonly below: string;
}

/**
 * All files of a folder and its subfolders, sorted by their paths below it; hidden ones left out. Every folder is read once: links
 * to folders are followed after all others, unless they lead to one that was read, so that circles end.
 * @param except a folder that is left out, if it is below the one that is walked
 * @returns `unread`: subfolders that cannot be read, with the reason
 * @throws what the file system answers for the folder itself
 */
export async function walkFolder(
  folder: string,
  except?: string,
): Promise<{ readonly files: WalkedFile[]; readonly unread: string[] }> {
  const read = new Set<string>();
  const left = except === undefined ? undefined : await realpath(except).catch(() => undefined);
  const files: WalkedFile[] = [];
  const unread: string[] = [];
  /** Reads a folder; gives those below it and links to folders. */
  const readOne = async (at: string): Promise<{ readonly folders: string[]; readonly links: string[] }> => {
    const real = await realpath(join(folder, at));
    const folders: string[] = [];
    const links: string[] = [];
    if (read.has(real) || (real === left && at !== '')) return { folders, links };
    read.add(real);
    for (const entry of await readdir(join(folder, at), { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const below = at === '' ? entry.name : `${at}/${entry.name}`;
      if (entry.isDirectory()) folders.push(below);
      else if (await leadsToFolder(join(folder, below), entry)) links.push(below);
      else files.push({ path: join(folder, below), below });
    }
    return { folders, links };
  };
  const waiting = [''];
  const links: string[] = [];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop() ?? links.shift()) {
    const found = await readOne(at).catch((error: NodeJS.ErrnoException) => {
      if (at === '') throw error;
      unread.push(`${at} (${error.code})`);
      return { folders: [], links: [] };
    });
    waiting.push(...found.folders);
    links.push(...found.links.sort());
  }
  return { files: files.sort((a, b) => (a.below < b.below ? -1 : 1)), unread };
}

async function leadsToFolder(path: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return false;
  const target = await stat(path).catch(() => undefined);
  return target?.isDirectory() ?? false;
}
