import { rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../io/atomic-write.ts';
import { copyWhole } from '../io/copy-whole.ts';
import { makeFolder } from '../io/make-folder.ts';
import { folderError, outputError } from '../io/output-error.ts';
import { isMissing } from '../io/regular-file.ts';
import { createTemporary } from '../io/temporary-file.ts';
import type { Content, OutputStore, Presence } from './output-store.ts';

/** A folder of this machine. */
export class LocalStore implements OutputStore {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get location(): string {
    return this.folder;
  }

  pathOf(name: string): string {
    return join(this.folder, name);
  }

  async prepare(): Promise<() => Promise<void>> {
    const { folder } = this;
    try {
      const made = await makeFolder(folder);
      // Only an attempt tells: permissions don't hold for root, and a file system may be mounted read-only.
      const probe = await createTemporary(folder);
      await probe.file.close();
      await rm(probe.path, { force: true });
      return async () => {
        if (made) await rmdir(folder).catch(() => {});
      };
    } catch (cause) {
      throw folderError(folder, cause as NodeJS.ErrnoException);
    }
  }

  async put(name: string, content: Content): Promise<void> {
    await this.#makeBelow(name);
    await writeFileAtomic(this.pathOf(name), content);
  }

  async putFile(name: string, path: string): Promise<void> {
    await this.#makeBelow(name);
    await copyWhole(path, this.pathOf(name));
  }

  async getFile(name: string, path: string): Promise<boolean> {
    if (!(await this.#has(name))) return false;
    await copyWhole(this.pathOf(name), path);
    return true;
  }

  async remove(name: string): Promise<void> {
    try {
      await rm(this.pathOf(name), { force: true });
    } catch (cause) {
      throw outputError(this.pathOf(name), cause as NodeJS.ErrnoException);
    }
  }

  presence(): Presence {
    return { has: name => this.#has(name) };
  }

  async #has(name: string): Promise<boolean> {
    const path = this.pathOf(name);
    try {
      const info = await stat(path);
      // No result is empty: a power failure leaves such ones.
      return info.isFile() && info.size > 0;
    } catch (cause) {
      if (isMissing(cause)) return false;
      throw outputError(path, cause as NodeJS.ErrnoException);
    }
  }

  /** Pictures of subfolders have their results in such ones. */
  async #makeBelow(name: string): Promise<void> {
    if (!name.includes('/')) return;
    const below = dirname(this.pathOf(name));
    try {
      await makeFolder(below);
    } catch (cause) {
      throw folderError(below, cause as NodeJS.ErrnoException);
    }
  }
}
