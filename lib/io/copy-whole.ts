import { copyFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { folderError, outputError } from './output-error.ts';
import { createTemporary } from './temporary-file.ts';

/** Copies a file, which appears whole or not at all, into a folder that is there. @throws `ERR_OUTPUT` */
export async function copyWhole(from: string, to: string): Promise<void> {
  const folder = dirname(to);
  const { path: temporary, file } = await createTemporary(folder).catch(cause => {
    throw folderError(folder, cause);
  });
  await file.close();
  try {
    await copyFile(from, temporary);
    await rename(temporary, to);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw outputError(to, cause as NodeJS.ErrnoException);
  }
}
