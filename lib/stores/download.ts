import { createHash } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { folderError, outputError } from '../io/output-error.ts';
import { createTemporary } from '../io/temporary-file.ts';
import type { Address } from './address.ts';
import { type ReadOptions, type RemoteContent, readRemote } from './read-remote.ts';
import { RemoteFailure } from './remote-failure.ts';

/** A file that was fetched and is not in its place yet. */
export interface Download {
  readonly tag: string | undefined;
  /** Hexadecimal SHA-256 of its bytes. */
  readonly sha256: string;
  /** Puts it in its place, in one step. @throws `ERR_OUTPUT` */
  moveTo(path: string): Promise<void>;
}

/**
 * Fetches something into a file, piece by piece, and lets `use` decide what becomes of it: what is not moved away is deleted.
 * @param folder where the file lies meanwhile; must be there
 * @param most bytes
 * @returns what `use` gives; undefined where nothing has changed since the tag
 * @throws RemoteFailure, `ERR_OUTPUT`, `ERR_ABORTED`, `ERR_USAGE` without the packages
 */
export async function download<T>(
  address: Address,
  { folder, most, ...options }: ReadOptions & { readonly folder: string; readonly most: number },
  use: (download: Download) => Promise<T>,
): Promise<T | undefined> {
  return readRemote(
    address,
    async content => {
      const { path, file } = await createTemporary(folder).catch(cause => {
        throw folderError(folder, cause);
      });
      try {
        const hash = createHash('sha256');
        try {
          for await (const chunk of bounded(content, most)) {
            hash.update(chunk);
            await file.writeFile(chunk).catch(cause => {
              throw outputError(path, cause);
            });
          }
        } finally {
          await file.close();
        }
        const moveTo = (to: string) =>
          rename(path, to).catch(cause => {
            throw outputError(to, cause);
          });
        return await use({ tag: content.tag, sha256: hash.digest('hex'), moveTo });
      } finally {
        await rm(path, { force: true }).catch(() => {});
      }
    },
    options,
  );
}

/** The chunks of content that is no longer than it may be. @throws RemoteFailure */
export async function* bounded(
  { size, chunks }: Pick<RemoteContent, 'size' | 'chunks'>,
  most: number,
): AsyncGenerator<Uint8Array> {
  const refuse = (length: string) => new RemoteFailure('other', `it has ${length} bytes; at most ${most} are read`);
  if (size !== undefined && size > most) throw refuse(`${size}`);
  let read = 0;
  for await (const chunk of chunks) {
    read += chunk.byteLength;
    if (read > most) throw refuse(`more than ${most}`);
    yield chunk;
  }
}
