import { setImmediate as nextTurn } from 'node:timers/promises';
import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { arrayName, className, isUint8Array, isUint8ClampedArray, isUint16Array, ownArray } from '../common/kinds.ts';
import { type DeepRgb, type Depth, depthOf } from './depth.ts';

/** Arrays of uncompressed pixels by sharp's names of their values (`info.depth`). */
const ARRAYS = {
  uchar: Uint8Array,
  char: Int8Array,
  ushort: Uint16Array,
  short: Int16Array,
  uint: Uint32Array,
  int: Int32Array,
  float: Float32Array,
  double: Float64Array,
} as const;
type DepthName = keyof typeof ARRAYS;
/** Arrays of uncompressed pixels. */
export type RawData =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** Checked uncompressed pixels: row-major HWC. */
export interface RawPixels {
  readonly data: RawData;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

/** Values that are spread between two turns of the event loop: about a millisecond. */
const SLICE = 2 ** 19;

/**
 * Pixels in the shape that sharp gives: `data` is an array of their type, or bytes of the type that `info.depth` names.
 * @throws `ERR_IMAGE_INVALID`
 */
export function checkRaw({ data, info }: Readonly<Record<string, unknown>>): RawPixels {
  const { width, height, channels, depth } = Object(info) as Record<string, unknown>;
  if (!isSize(width) || !isSize(height)) {
    throw invalid(
      `raw pixels need info: { width, height, channels } of at least 1, got ${String(width)}x${String(height)}`,
    );
  }
  if (channels !== 1 && channels !== 2 && channels !== 3 && channels !== 4) {
    throw invalid(
      `raw pixels need 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels, got ${String(channels)}. ` +
        "Give other tensors as { type: 'float32', data, dims }",
    );
  }
  const values = valuesOf(data, depth);
  const expected = width * height * channels;
  if (values.length === expected) return { data: values, width, height, channels };
  const bytes = isUint8Array(values) || isUint8ClampedArray(values);
  const wide = bytes && depth === undefined && [2, 4, 8].includes(values.length / expected);
  const hint = wide
    ? ` (of more bits: give an array of their type, such as a Uint16Array, or info with sharp's depth, such as 'ushort')`
    : '';
  throw invalid(
    `raw pixels of ${width}x${height}x${channels} need ${expected} ${bytes ? 'bytes' : 'values'}, got ${values.length}${hint}`,
  );
}

function valuesOf(data: unknown, depth: unknown): RawData {
  if (!isRawData(data)) {
    throw invalid(
      `raw pixels need a typed array of numbers (Buffer, Uint8Array, Uint16Array, Float32Array …) as data, got ${
        typeof data === 'object' && data !== null ? className(data) : String(data)
      }`,
    );
  }
  const given = ownArray(data);
  const bytes = isUint8Array(given) || isUint8ClampedArray(given);
  if (!bytes || depth === undefined || depth === 'uchar') return given;
  if (typeof depth !== 'string' || !Object.hasOwn(ARRAYS, depth))
    throw invalid(`raw pixels have info.depth ${String(depth)}; known: ${Object.keys(ARRAYS).join(', ')}`);
  const Values = ARRAYS[depth as DepthName];
  const size = Values.BYTES_PER_ELEMENT;
  if (given.length % size !== 0)
    throw invalid(`raw pixels of the depth ${depth} need a multiple of ${size} bytes, got ${given.length}`);
  // Little-endian, as every machine that this runs on; copied where they do not lie on a multiple of their size.
  const { buffer, byteOffset, byteLength } = given;
  return byteOffset % size === 0
    ? new Values(buffer as ArrayBuffer, byteOffset, byteLength / size)
    : new Values((buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength));
}

/** undefined for pixels of 8 bits. */
export function depthOfRaw({ data, channels }: RawPixels): Depth | undefined {
  if (isUint16Array(data)) return depthOf('ushort', channels < 3 ? 'grey16' : 'rgb16');
  const name = Object.entries(ARRAYS).find(([, { name }]) => name === arrayName(data))?.[0] ?? 'uchar';
  return depthOf(name, channels < 3 ? 'b-w' : 'srgb');
}

/**
 * Red, green and blue in the pixels' own units: grey is repeated, alpha dropped. sharp would take such values for 16 bits and
 * cut them off.
 * @throws `ERR_ABORTED`
 */
export async function spreadRaw(
  { data, width, height, channels }: RawPixels,
  depth: Depth,
  signal?: AbortSignal,
): Promise<DeepRgb> {
  const pixels = width * height;
  const values = depth.raw === 'float' ? new Float32Array(3 * pixels) : new Float64Array(3 * pixels);
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  for (let start = 0; start < pixels; start += SLICE) {
    const end = Math.min(pixels, start + SLICE);
    for (let i = start; i < end; i++) {
      values[3 * i] = data[channels * i]!;
      values[3 * i + 1] = data[channels * i + green]!;
      values[3 * i + 2] = data[channels * i + blue]!;
    }
    await nextTurn();
    throwIfAborted(signal);
  }
  return { data: values, width, height };
}

const RAW_ARRAYS: readonly string[] = [...Object.values(ARRAYS).map(({ name }) => name), 'Uint8ClampedArray'];

function isRawData(data: unknown): data is RawData {
  return RAW_ARRAYS.includes(arrayName(data) ?? '');
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function invalid(message: string): OnnxCamError {
  return new OnnxCamError('ERR_IMAGE_INVALID', message);
}
