import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { isUint8Array } from '../common/kinds.ts';
import { outputError } from './output-error.ts';
import { createTemporary } from './temporary-file.ts';

/** Written one after another. */
export type Parts = Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

/** How often a rename is tried again on Windows, where a reader or a virus scanner may hold the file for a moment. */
const RENAME_TRIES = 5;

/**
 * Writes a file whole or not at all: into a temporary file in the same folder, then renamed. An existing file is replaced
 * in one step; of two writers the later wins. The folder must exist.
 * @throws `ERR_OUTPUT` (missing or unwritable folder, full disk …), `ERR_ABORTED`; nothing is left behind in either case.
 */
export async function writeFileAtomic(
  path: string,
  data: Uint8Array | string | Parts,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  throwIfAborted(options.signal);
  let temporary: string | undefined;
  try {
    const { path: made, file } = await createTemporary(dirname(path));
    temporary = made;
    try {
      // Each call goes on where the last one ended.
      const parts = typeof data === 'string' || isUint8Array(data) ? [data] : data;
      for await (const part of parts) await file.writeFile(part);
    } finally {
      await file.close();
    }
    throwIfAborted(options.signal);
    await replace(temporary, path);
  } catch (cause) {
    if (temporary) await rm(temporary, { force: true }).catch(() => {});
    if (cause instanceof OnnxCamError) throw cause;
    throw outputError(path, cause as NodeJS.ErrnoException);
  }
}

async function replace(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      const busy = process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(code);
      if (!busy || attempt === RENAME_TRIES) throw error;
      await sleep(20 * attempt);
    }
  }
}
