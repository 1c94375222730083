import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';

/** A file that is there but is not one to be read: a folder, a FIFO, a device, or too large. */
export class UnfitFile extends Error {}

export interface OpenFile {
  readonly file: FileHandle;
  /** Bytes. */
  readonly size: number;
}

/**
 * Opens a file for reading, if it is an ordinary one. Others are refused, because opening or reading them may wait forever
 * (a FIFO), never end (a device) or have effects (a tape). Looked at before and after: it may be exchanged in between, and
 * then opening it does not wait either.
 * @param options `noFollow`: the path's last part must not be a link by now
 * @throws UnfitFile, and what the file system answers
 */
export async function openRegular(
  path: string | URL,
  options: { readonly noFollow?: boolean } = {},
): Promise<OpenFile> {
  refuseOthers(await stat(path));
  // Windows has neither flag.
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  const file = await open(path, O_RDONLY | O_NONBLOCK | (options.noFollow ? O_NOFOLLOW : 0));
  try {
    const info = await file.stat();
    refuseOthers(info);
    return { file, size: info.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * The bytes of an ordinary file.
 * @param limit the most bytes that are read
 * @throws UnfitFile, also for a larger file; what the file system answers
 */
export async function readRegular(path: string | URL, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  return readWhole(await openRegular(path), limit);
}

/** Reads and closes an open file, as {@link readRegular}. */
export async function readWhole({ file, size }: OpenFile, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    if (size > limit) throw new UnfitFile(`it holds ${size} bytes, more than the ${limit} that are read`);
    return await readRange(file, 0, size);
  } finally {
    await file.close();
  }
}

/** Bytes of a file from `start` on, read in large pieces away from the event loop; fewer where it ends before. */
export async function readRange(file: FileHandle, start: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  const PIECE = 2 ** 28;
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(PIECE, length - done), start + done);
    if (bytesRead === 0) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}

/** Whether the file system answered that there is no such file. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function refuseOthers(info: Stats): void {
  if (info.isFile()) return;
  const kind = info.isDirectory()
    ? 'folder'
    : info.isFIFO()
      ? 'FIFO (a pipe with a name)'
      : info.isSocket()
        ? 'socket'
        : 'device';
  throw new UnfitFile(`it is no ordinary file but a ${kind}`);
}
