import { randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Makes a new file with a name that nobody knows beforehand: what is there already, or a link laid in its place, is never
 * opened. The name is short and of fixed length, so that it is valid wherever the final name is.
 * @throws what the file system answers
 */
export async function createTemporary(folder: string): Promise<{ readonly path: string; readonly file: FileHandle }> {
  const path = join(folder, `.onnx-cam-${randomBytes(8).toString('hex')}.tmp`);
  return { path, file: await open(path, 'wx') };
}
