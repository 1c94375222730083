import { Worker } from 'node:worker_threads';
import { resolvePackage } from '#package';
import { abortError } from '../common/errors.ts';
import type { Size } from './geometry.ts';

/** Row-major RGBA. */
export interface RgbaImage extends Size {
  readonly data: Uint8Array;
}

/**
 * Libnsbmp in WebAssembly, whose memory a damaged file cannot leave, in a thread of its own, since decoding may take long and
 * WebAssembly's memory is given back with the thread only.
 */
const SOURCE = `
const { parentPort, workerData } = require('node:worker_threads');
const { width, height, data } = require(workerData.decoder).decode(workerData.bytes);
// The decoder leaves the lower bits 0: the largest value of five would be 248.
(workerData.bits ?? []).forEach((bits, c) => {
  for (let i = c; i < data.length; i += 4) data[i] = Math.floor(((data[i] >> (8 - bits)) * 255) / (2 ** bits - 1));
});
parentPort.postMessage({ width, height, data }, [data.buffer]);
`;

export function isBitmap(bytes: Uint8Array): boolean {
  return bytes[0] === 0x42 && bytes[1] === 0x4d;
}

/**
 * The size that a BMP file's header tells.
 * @throws Error for one that is cut off
 */
export function bitmapSize(bytes: Uint8Array): Size {
  if (bytes.byteLength < 26) throw new Error('its header is cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The first header had 16 bits for each side; a negative height is that of rows from the top.
  return view.getUint32(14, true) === 12
    ? { width: view.getUint16(18, true), height: view.getUint16(20, true) }
    : { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) };
}

/** Bits of red, green and blue in a file of 16 bits a pixel: five each unless it has masks. */
function bitsOf(bytes: Uint8Array): readonly number[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = view.getUint32(14, true);
  if (header < 40 || bytes.byteLength < 66 || view.getUint16(28, true) !== 16) return undefined;
  if (view.getUint32(30, true) !== MASKS) return [5, 5, 5];
  const ones = (mask: number) => mask.toString(2).replaceAll('0', '').length;
  const bits = [54, 58, 62].map(at => ones(view.getUint32(at, true)));
  return bits.every(count => count >= 1 && count <= 8) ? bits : undefined;
}

/** Compression "bit fields". */
const MASKS = 3;

/**
 * The pixels of a BMP file. Its size must have been checked: they take four bytes each.
 * @throws Error for a file that cannot be decoded; `ERR_ABORTED`
 */
export function decodeBitmap(bytes: Uint8Array, signal?: AbortSignal): Promise<RgbaImage> {
  const workerData = { decoder: resolvePackage('@cwasm/nsbmp'), bytes, bits: bitsOf(bytes) };
  const worker = new Worker(SOURCE, { eval: true, execArgv: [], workerData });
  return new Promise<RgbaImage>((resolve, reject) => {
    const onAbort = () => reject(abortError(signal!));
    signal?.addEventListener('abort', onAbort, { once: true });
    worker.once('message', ({ width, height, data }: Size & { data: Uint8ClampedArray }) => {
      resolve({ width, height, data: new Uint8Array(data.buffer) });
    });
    worker.once('error', reject);
    worker.once('exit', () => {
      signal?.removeEventListener('abort', onAbort);
      reject(new Error('its decoder ended without an answer'));
    });
  }).finally(() => worker.terminate());
}
