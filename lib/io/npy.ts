/** NumPy's `.npy` files of float32 values: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */

import { OnnxCamError } from '../common/errors.ts';
import { named } from '../common/named.ts';
import { elementCount, TENSOR_ARRAYS, type Tensor, type TensorType } from '../engine/tensor.ts';
import { isMissing, readRegular } from './regular-file.ts';

export interface NpyArray {
  readonly data: Float32Array;
  /** Row-major; `[]` for a scalar. */
  readonly dims: readonly number[];
}

const MAGIC = '\x93NUMPY';
/** NumPy itself refuses longer headers (its `max_header_size` is 10,000). */
const MAX_HEADER = 65_536;
/** Bytes: what one array in memory holds. */
const LARGEST_FILE = 2 ** 31 - 1;

/**
 * Reads a float32 `.npy` file.
 * @throws `ERR_IMAGE_NOT_FOUND` when the file is missing, `ERR_IMAGE_INVALID` as {@link parseNpy}.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  return parseNpy(await readArray(path), path);
}

/** The same for any type of numbers. */
export async function readNpyTensor(path: string): Promise<Tensor> {
  return parseNpyTensor(await readArray(path), path);
}

async function readArray(path: string): Promise<Uint8Array> {
  try {
    return await readRegular(path, LARGEST_FILE);
  } catch (cause) {
    if (isMissing(cause)) {
      throw new OnnxCamError('ERR_IMAGE_NOT_FOUND', `no array at ${path}: the file does not exist`, { cause });
    }
    throw new OnnxCamError('ERR_IMAGE_INVALID', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Parses the bytes of a `.npy` file: little-endian float32 in C order, any number of dimensions, format versions 1 to 3.
 * The values are a view into `bytes` where its alignment allows.
 * @throws `ERR_IMAGE_INVALID` for anything else, with how to save the array.
 */
export function parseNpy(bytes: Uint8Array, name = 'the array'): NpyArray {
  const { descr, dims, start } = parseHeader(bytes, name);
  if (descr !== '<f4') throw unreadable(name, `its values are ${descr}, expected <f4: save it as array.astype('<f4')`);
  checkLength(bytes, start, dims, 4, name);
  return { data: floats(bytes, start, elementCount(dims)), dims };
}

/** Value types that tensors have here, by NumPy's names. */
const TYPES: Readonly<Record<string, TensorType>> = {
  '<f4': 'float32',
  '<f8': 'float64',
  '<f2': 'float16',
  '|u1': 'uint8',
  '|i1': 'int8',
  '<u2': 'uint16',
  '<i2': 'int16',
  '<u4': 'uint32',
  '<i4': 'int32',
  '<u8': 'uint64',
  '<i8': 'int64',
  '|b1': 'bool',
};

/**
 * Parses a `.npy` file of any type of numbers that tensors have.
 * @throws `ERR_IMAGE_INVALID` as {@link parseNpy}
 */
export function parseNpyTensor(bytes: Uint8Array, name = 'the array'): Tensor {
  const { descr, dims, start } = parseHeader(bytes, name);
  const type = named(TYPES, descr);
  if (!type) throw unreadable(name, `its values are ${descr}, expected one of ${Object.keys(TYPES).join(', ')}`);
  const ArrayType = TENSOR_ARRAYS[type];
  checkLength(bytes, start, dims, ArrayType.BYTES_PER_ELEMENT, name);
  const own = Uint8Array.from(bytes.subarray(start));
  return { type, data: new ArrayType(own.buffer), dims } as Tensor;
}

function unreadable(name: string, problem: string): OnnxCamError {
  return new OnnxCamError('ERR_IMAGE_INVALID', `${name} is not a readable .npy file: ${problem}`);
}

function checkLength(bytes: Uint8Array, start: number, dims: readonly number[], size: number, name: string): void {
  const count = elementCount(dims);
  const available = (bytes.length - start) / size;
  if (!dims.every(Number.isSafeInteger) || count !== available)
    throw unreadable(name, `its shape (${dims.join(', ')}) needs ${count} values, the file has ${available}`);
}

/** Value type, shape, and where the values start. */
function parseHeader(bytes: Uint8Array, name: string): { descr: string; dims: readonly number[]; start: number } {
  const fail = (problem: string): never => {
    throw unreadable(name, problem);
  };
  if (bytes.length < 12 || Buffer.from(bytes.buffer, bytes.byteOffset, 6).toString('latin1') !== MAGIC) {
    fail(bytes.length === 0 ? 'it is empty' : 'it does not begin as one');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6]!;
  if (version < 1 || version > 3) fail(`its format version is ${version}, expected 1 to 3`);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER || start + length > bytes.length) fail('its header is cut off');
  const header = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');

  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1] ?? fail('its header names no simple value type');
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1] ?? fail('its header names no order');
  if (order === 'True') fail('it is in Fortran order: save it as np.ascontiguousarray(array)');
  const shape = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1] ?? fail('its header names no shape');
  const dims = shape
    .split(',')
    .map(dim => dim.trim())
    .filter(dim => dim !== '')
    .map(Number);
  return { descr, dims, start: start + length };
}

function floats(bytes: Uint8Array, offset: number, count: number): Float32Array {
  const start = bytes.byteOffset + offset;
  return start % 4 === 0
    ? new Float32Array(bytes.buffer, start, count)
    : new Float32Array(Uint8Array.from(bytes.subarray(offset)).buffer);
}

/**
 * A `.npy` file as its two parts, header and values (format version 1, little-endian float32, C order, as `numpy.save`
 * writes it). The values are a view of `data`, not a copy: hand both to `writeFileAtomic`.
 */
export function formatNpy({ data, dims }: NpyArray): [header: Uint8Array, values: Uint8Array] {
  if (elementCount(dims) !== data.length) {
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `an array of shape [${dims.join(',')}] needs ${elementCount(dims)} values, got ${data.length}`,
    );
  }
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(', ');
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  // The header ends in a newline, and the values start at a multiple of 64 bytes.
  const header = Buffer.alloc(Math.ceil((10 + text.length + 1) / 64) * 64, ' ');
  header.write(`${MAGIC}\x01\x00`, 'latin1');
  header.writeUInt16LE(header.length - 10, 8);
  header.write(text, 10, 'latin1');
  header.write('\n', header.length - 1, 'latin1');
  return [header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
}
