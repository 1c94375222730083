import { types } from 'node:util';

/**
 * What a value is, wherever it was made. Test runners (Jest, vitest's `vmThreads`) and `node:vm` have a realm of their own with
 * other classes under the same names, so that `instanceof` says no to a Float32Array; and with a package installed twice its own
 * classes are there twice.
 */
export const {
  isFloat32Array,
  isFloat64Array,
  isPromise,
  isSharedArrayBuffer,
  isUint8Array,
  isUint8ClampedArray,
  isUint16Array,
} = types;

export const isArrayBuffer = (value: unknown): value is ArrayBuffer => types.isArrayBuffer(value);

/** Typed arrays that are brought into this realm, by name. */
const ARRAYS = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} as const;

interface AnyArray extends ArrayBufferView {
  readonly length: number;
}

type ArrayClass = new (...values: [length: number] | [ArrayBuffer, offset: number, length: number]) => AnyArray;

const nameOfArray = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!
  .get as () => string | undefined;

/** 'Float32Array' and the like, of a Buffer 'Uint8Array'; undefined for all that is no typed array. */
export function arrayName(value: unknown): string | undefined {
  return nameOfArray.call(value);
}

/** A view of this realm's class on the same memory: the array itself where it is one. sharp takes no others. */
export function ownArray<T extends AnyArray>(array: T): T {
  const Own = classOf(array);
  const { buffer, byteOffset, length } = array;
  return array instanceof Own ? array : (new Own(buffer as ArrayBuffer, byteOffset, length) as AnyArray as T);
}

/** Zeros in an array of the same type. */
export function zerosLike<T extends AnyArray>(array: T, length: number): T {
  return new (classOf(array))(length) as AnyArray as T;
}

/** Of arrays that this Node doesn't have by itself (Float16Array) their own. */
function classOf(array: AnyArray): ArrayClass {
  return (ARRAYS[arrayName(array) as keyof typeof ARRAYS] ?? array.constructor) as ArrayClass;
}

/** A URL of Node, of jsdom or of another realm. */
export function isUrl(value: unknown): value is URL {
  const { href, protocol, searchParams } = Object(value) as Partial<URL>;
  return typeof href === 'string' && typeof protocol === 'string' && typeof searchParams === 'object';
}

/** What can be listened to and says whether it fired. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener, removeEventListener } = Object(value) as Partial<AbortSignal>;
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  );
}

export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}

/** A value's class, for messages. */
export function className(value: object): string {
  return arrayName(value) ?? value.constructor?.name ?? 'value';
}
