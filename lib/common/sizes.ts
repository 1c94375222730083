import { OnnxCamError } from './errors.ts';

/**
 * Numbers from a model file on their way to an allocation, a 64-bit integer or an argument list: each is checked here, so
 * that a damaged file ends in an error with a code instead of a RangeError, gigabytes or minutes.
 */

/** Operators of a graph; the largest image networks have some thousand. The runtime's own time grows with the square. */
export const MAX_NODES = 2 ** 14;

/** Operators of a graph whose functions are written out: few bytes can stand for many. */
export const MAX_INLINED_NODES = 2 ** 13;

/** Larger graphs are not optimised by the runtime, which would take it minutes. */
export const MAX_OPTIMIZED_NODES = 2 ** 13;

/** Images that a model may fix its batch to. */
export const MAX_BATCH = 1024;

/** Elements of an image input that the file fixes, batch and all: 256 MiB of float32. */
export const MAX_DECLARED_INPUT = 2 ** 26;

/** Elements of what images are fed as, at sizes that the user chooses: 1 GiB of float32. */
export const MAX_FED_INPUT = 2 ** 28;

/** Elements that any tensor of a network may have: this many, or {@link TENSOR_PER_INPUT} times those of its input. */
export const MAX_TENSOR = 2 ** 26;
export const TENSOR_PER_INPUT = 1024;

/** What is appended to a network, gradients for instance, may be so many times as large as its largest tensor. */
export const MAX_PER_TENSOR = 64;

/** Elements of a weight: 2 GiB of bytes, which is also where an ONNX file ends. */
export const MAX_WEIGHT = 2 ** 31;

/** Axes of a tensor. */
const MAX_RANK = 32;

/** Values of a constant that the library itself writes into a graph. */
export const MAX_CONSTANT = 2 ** 24;

/**
 * Number of elements of a shape that comes from a model.
 * @param what names the tensor in the error
 * @param most how many are allowed
 * @throws OnnxCamError `ERR_MODEL_INVALID` for sizes that are no whole numbers of at least 0, `ERR_MODEL_UNSUPPORTED` for
 * more elements than allowed
 */
export function checkedCount(dims: readonly number[], what: string, most: number): number {
  let count = 1;
  for (const dim of dims) {
    if (!Number.isInteger(dim) || dim < 0)
      throw new OnnxCamError(
        'ERR_MODEL_INVALID',
        `${what} has the shape [${shownDims(dims)}]; sizes are whole numbers of at least 0 (the file is damaged)`,
      );
    count *= dim;
  }
  if (dims.length > MAX_RANK)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `${what} has ${dims.length} axes, at most ${MAX_RANK} are supported (or the file is damaged)`,
    );
  // An empty tensor may have one huge size, which no array of sizes can be made of either.
  if (count > most || dims.some(dim => dim > Number.MAX_SAFE_INTEGER))
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `${what} has the shape [${shownDims(dims)}]: ${count} elements, at most ${most} are supported ` +
        '(a smaller batch or picture, or the file is damaged)',
    );
  return count;
}

/** What any tensor of a network with an input of this size may have. */
export function tensorLimit(inputElements: number): number {
  return Math.max(MAX_TENSOR, TENSOR_PER_INPUT * inputElements);
}

/**
 * A number as the 64-bit integers of ONNX: beyond their range the nearest of them, as ends of slices are written.
 * @throws OnnxCamError `ERR_MODEL_UNSUPPORTED` for fractions, infinity and what is no number
 */
export function toInt64(value: number): bigint {
  if (!Number.isInteger(value))
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the model leads to the size or index ${value}, where a whole number is needed (the file may be damaged)`,
    );
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  return value <= -(2 ** 63) ? -(2n ** 63n) : BigInt(value);
}

/** See {@link toInt64}. */
export function toInt64s(values: readonly number[]): BigInt64Array {
  return BigInt64Array.from(values, toInt64);
}

/** As `list.push(...items)`, for more items than a call takes arguments. */
export function pushAll<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}

/** As `Math.max(...values)`, for more values than a call takes arguments. */
export function largestOf(values: Iterable<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of values) largest = Math.max(largest, value);
  return largest;
}

/** As `Math.min(...values)`, for more values than a call takes arguments. */
export function smallestOf(values: Iterable<number>): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (const value of values) smallest = Math.min(smallest, value);
  return smallest;
}

/** Euclidean length of a vector, as `Math.hypot(...vector)` for more values than a call takes arguments. */
export function lengthOf(vector: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < vector.length; i++) largest = Math.max(largest, Math.abs(vector[i]!));
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i]! / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** Shapes of damaged files may have thousands of sizes. */
function shownDims(dims: readonly number[]): string {
  return dims.length <= 8 ? dims.join(',') : `${dims.slice(0, 8).join(',')},… ${dims.length} sizes`;
}
