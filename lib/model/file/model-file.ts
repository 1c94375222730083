import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OnnxCamError } from '../../common/errors.ts';
import { checkPreprocess } from '../../image/preprocess-options.ts';
import { isMissing, readRegular, UnfitFile } from '../../io/regular-file.ts';
import type { Sidecar } from './sidecar.ts';

/** Bytes: an ONNX file ends at 2 GiB; larger models keep weights in other files. */
export const LARGEST_MODEL = 2 ** 31 - 1;

/** @throws `ERR_MODEL_NOT_FOUND` for an address that names no file of this machine */
export function pathOf(source: string | URL): string {
  if (typeof source === 'string' && !/^[a-z][a-z0-9+.-]+:\/\//i.test(source)) return source;
  let url: URL;
  try {
    url = new URL(typeof source === 'string' ? source : source.href);
    if (url.protocol === 'file:') return fileURLToPath(url);
  } catch (cause) {
    throw new OnnxCamError('ERR_MODEL_NOT_FOUND', `"${source}" names no file: ${(cause as Error).message}`, { cause });
  }
  throw new OnnxCamError(
    'ERR_MODEL_NOT_FOUND',
    `models are read from files; "${url.protocol}" addresses are not fetched. Download the model, or pass its bytes`,
  );
}

/** @throws `ERR_MODEL_NOT_FOUND`; `ERR_MODEL_INVALID` for a folder, a FIFO, a device or a file above 2 GiB */
export async function readModelFile(path: string): Promise<Uint8Array> {
  try {
    return await readRegular(path, LARGEST_MODEL);
  } catch (cause) {
    if (cause instanceof UnfitFile)
      throw new OnnxCamError(
        'ERR_MODEL_INVALID',
        `"${path}" cannot be read: ${cause.message}; give the .onnx file (larger models keep weights in other files)`,
        { cause },
      );
    throw new OnnxCamError(
      'ERR_MODEL_NOT_FOUND',
      isMissing(cause)
        ? `there is no model file "${path}"`
        : `the model file "${path}" cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
}

export function sizeOf({ preprocess }: Sidecar): readonly [number, number] | undefined {
  return checkPreprocess(preprocess).size;
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
