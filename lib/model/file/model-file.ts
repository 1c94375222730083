import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OnnxCamError } from '../../common/errors.ts';
import { readRange } from './external-data.ts';
import type { Sidecar } from './sidecar.ts';

export function pathOf(source: string | URL): string {
  if (source instanceof URL || /^[a-z][a-z0-9+.-]+:\/\//i.test(source)) {
    const url = new URL(source);
    if (url.protocol !== 'file:')
      throw new OnnxCamError(
        'ERR_MODEL_NOT_FOUND',
        `models are read from files; "${url.protocol}" addresses are not fetched. Download the model, or pass its bytes`,
      );
    return fileURLToPath(url);
  }
  return source;
}

export async function readModelFile(path: string): Promise<Uint8Array> {
  try {
    const info = await stat(path);
    if (!info.isFile())
      throw new OnnxCamError('ERR_MODEL_INVALID', `"${path}" is no file but a folder or device; give the .onnx file`);
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size >= 2 ** 31)
        throw new OnnxCamError(
          'ERR_MODEL_INVALID',
          `"${path}" has ${size} bytes; an ONNX file ends at 2 GiB (larger models keep weights in other files)`,
        );
      return await readRange(file, 0, size);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof OnnxCamError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new OnnxCamError(
      'ERR_MODEL_NOT_FOUND',
      missing
        ? `there is no model file "${path}"`
        : `the model file "${path}" cannot be read: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

export function sizeOf({ preprocess }: Sidecar): readonly [number, number] | undefined {
  const size = typeof preprocess === 'object' ? preprocess.size : undefined;
  return Array.isArray(size) && size.length === 2 && size.every(Number.isInteger) ? [size[0], size[1]] : undefined;
}

export async function sha256(bytes: Uint8Array): Promise<string> {
  const SLICE = 2 ** 20;
  const hash = createHash('sha256');
  for (let offset = 0; offset < bytes.byteLength; offset += SLICE) {
    hash.update(bytes.subarray(offset, offset + SLICE));
    await nextTurn();
  }
  return hash.digest('hex');
}
