import { type FileHandle, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { visible } from '../common/visible.ts';
import { outputError } from '../io/output-error.ts';
import { createTemporary } from '../io/temporary-file.ts';

/**
 * A manifest that is being written: a line per result, each handed to the system as it comes, so that nothing is kept in memory
 * and an interruption by force costs at most the line in writing. It begins under another name, and takes the place of an earlier one
 * when its first lines are whole; whoever still writes to that writes to a file without a name.
 */
export class ManifestFile {
  readonly path: string;
  readonly #file: FileHandle;
  #size = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  /**
   * @param lines the first ones, without their ends
   * @throws `ERR_OUTPUT`; the earlier file stays as it was
   */
  static async begin(path: string, lines: Iterable<string> | AsyncIterable<string>): Promise<ManifestFile> {
    let temporary: string | undefined;
    let opened: FileHandle | undefined;
    try {
      const { path: made, file } = await createTemporary(dirname(path));
      [temporary, opened] = [made, file];
      const manifest = new ManifestFile(path, file);
      for await (const piece of pieces(lines)) await manifest.#write(piece);
      await rename(made, path);
      return manifest;
    } catch (cause) {
      await opened?.close();
      if (temporary) await rm(temporary, { force: true }).catch(() => {});
      throw cause instanceof OnnxCamError ? cause : outputError(path, cause as NodeJS.ErrnoException);
    }
  }

  /** @throws `ERR_OUTPUT`; the file then ends with the line before */
  async add(line: object): Promise<void> {
    try {
      // Somebody will print it on a terminal.
      await this.#write(Buffer.from(`${visible(JSON.stringify(line))}\n`));
    } catch (cause) {
      // A full disk takes a part of it.
      await this.#file.truncate(this.#size).catch(() => {});
      throw outputError(this.path, cause as NodeJS.ErrnoException);
    }
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at, this.#size + at);
      at += bytesWritten;
    }
    this.#size += bytes.length;
  }

  /** Sees that all of it is on the disk. */
  async close(): Promise<void> {
    await this.#file.sync().catch(() => {});
    await this.#file.close();
  }
}

const PIECE = 2 ** 20;

/** Lines as bytes, many at once. */
async function* pieces(lines: Iterable<string> | AsyncIterable<string>): AsyncGenerator<Buffer, void, void> {
  let waiting: string[] = [];
  let length = 0;
  for await (const line of lines) {
    waiting.push(line, '\n');
    if ((length += line.length) < PIECE) continue;
    yield Buffer.from(waiting.join(''));
    [waiting, length] = [[], 0];
  }
  yield Buffer.from(waiting.join(''));
}
