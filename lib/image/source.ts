import { fileURLToPath } from 'node:url';
import { OnnxCamError } from '../common/errors.ts';
import { arrayName, className, isArrayBuffer, isUint8Array, isUrl, ownArray } from '../common/kinds.ts';
import { shown } from '../common/shown.ts';
import { elementCount, isTensorType, TENSOR_ARRAYS, type Tensor } from '../engine/tensor.ts';
import { type ByteBody, type ByteSource, byteBodyOf } from '../io/byte-body.ts';
import { checkRaw, type RawData, type RawPixels } from './raw-pixels.ts';

/**
 * Uncompressed pixels, row-major HWC, in the shape that `sharp().raw().toBuffer({ resolveWithObject: true })` gives. Pixels of
 * more than 8 bits are an array of their type, or bytes of the type that `depth` names ('ushort', 'float' … as sharp gives).
 */
export interface RawImage {
  /** Row-major HWC. */
  readonly data: RawData;
  /**
   * Pixels, channels per pixel (1 to 4), and sharp's name of the values' type where `data` are bytes of a wider one.
   */
  readonly info: {
    readonly width: number;
    readonly height: number;
    readonly channels: number;
    readonly depth?: string | undefined;
  };
}

/** A preprocessed tensor, used as it is: of float32, or of the type that the model's input has. */
export type TensorInput = Tensor;

/**
 * What a picture may be given as: path, `file:` URL, the bytes of an encoded picture or what they come out of (Blob, File, Response,
 * Request, ReadableStream, a stream of Node, an async iterable of bytes), raw pixels.
 */
export type ImageSource = string | URL | Uint8Array | ArrayBuffer | ByteSource | RawImage;

export type DetectedSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'encoded'; readonly bytes: Uint8Array }
  | { readonly kind: 'body'; readonly body: ByteBody }
  | ({ readonly kind: 'raw' } & RawPixels)
  | { readonly kind: 'tensor'; readonly tensor: TensorInput };

const EXPECTED =
  'expected a path, a file: URL, a Buffer, Blob, Response or stream of an encoded picture, raw pixels { data, info: { width, height, channels } } ' +
  "or a tensor { type: 'float32', data, dims }";

/**
 * Tells what an input is, and checks what can be told without decoding it.
 * @throws `ERR_IMAGE_INVALID` for anything that is none of these, and for raw pixels whose size does not fit;
 * `ERR_INPUT_SHAPE` for a tensor whose type, dimensions and data do not fit together.
 */
export function detectSource(input: unknown): DetectedSource {
  if (typeof input === 'string') return fromText(input);
  if (isUrl(input)) return { kind: 'file', path: pathOf(input) };
  if (isUint8Array(input)) return { kind: 'encoded', bytes: ownArray(input) };
  if (isArrayBuffer(input)) return { kind: 'encoded', bytes: new Uint8Array(input) };
  if (isObject(input)) {
    if ('dims' in input) return { kind: 'tensor', tensor: checkTensor(input) };
    if ('info' in input) return { kind: 'raw', ...checkRaw(input) };
    if (ArrayBuffer.isView(input.data) && 'width' in input && 'height' in input) {
      throw invalid(
        `${EXPECTED}, got { data, width, height } as ImageData has them; pass { data, info: { width, height, channels: 4 } }`,
      );
    }
    if (typeof input.toBuffer === 'function') {
      throw invalid(
        'got a sharp instance; pass what it gives: await image.toBuffer(), or ' +
          'await image.raw().toBuffer({ resolveWithObject: true })',
      );
    }
    const body = byteBodyOf(input);
    if (body) return { kind: 'body', body };
  }
  throw invalid(`${EXPECTED}, got ${describeValue(input)}`);
}

/** A short name of an input for messages, results and manifests: the path, else what it is and its size. */
export function describeSource(source: DetectedSource): string {
  switch (source.kind) {
    case 'file':
      return source.path;
    case 'encoded':
      return `<${source.bytes.byteLength} bytes>`;
    case 'body':
      return source.body.name;
    case 'raw':
      return `<raw ${source.width}x${source.height}x${source.channels}>`;
    case 'tensor':
      return `<tensor ${source.tensor.dims.join('x')}>`;
  }
}

function fromText(text: string): DetectedSource {
  if (text === '') throw invalid(`${EXPECTED}, got an empty string`);
  if (/^(file|https?|data|blob|ftp):/i.test(text)) return { kind: 'file', path: pathOf(urlOf(text)) };
  return { kind: 'file', path: text };
}

function urlOf(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw invalid(`${EXPECTED}, got '${text}', which is no valid URL`, cause);
  }
}

function pathOf(url: URL): string {
  if (url.protocol !== 'file:') {
    throw invalid(
      `got a ${url.protocol} URL; only file: URLs are read. Fetch it and pass the answer: await fetch(url)`,
    );
  }
  try {
    return fileURLToPath(url.href);
  } catch (cause) {
    throw invalid(`${url.href} does not name a file of this machine: ${(cause as Error).message}`, cause);
  }
}

function checkTensor(input: Record<string, unknown>): TensorInput {
  const { type, data, dims } = input;
  if (!isTensorType(type) || arrayName(data) !== TENSOR_ARRAYS[type].name) {
    const array = isTensorType(type) ? TENSOR_ARRAYS[type].name : 'Float32Array';
    throw shape(
      `a tensor input needs type 'float32', or that of the model's input, and an array of that type (${array}), ` +
        `got type ${String(type)} and ${describeValue(data)}`,
    );
  }
  const { length } = data as ArrayLike<unknown>;
  const values: readonly unknown[] = Array.isArray(dims) ? dims : [];
  if (values.length < 3 || !values.every(isSize)) {
    throw shape(
      `a tensor input needs dims of positive integers, [N,C,H,W] (or [C,H,W]; of grey pictures [N,H,W]), got ${shown(dims)}`,
    );
  }
  if (elementCount(values) !== length) {
    throw shape(`a tensor of dims [${values.join(',')}] needs ${elementCount(values)} values, got ${length}`);
  }
  return { type, data, dims: values } as TensorInput;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' || typeof value === 'function') return `a ${className(value)}`;
  return `a ${typeof value} (${String(value)})`;
}

function invalid(message: string, cause?: unknown): OnnxCamError {
  return new OnnxCamError('ERR_IMAGE_INVALID', message, cause === undefined ? undefined : { cause });
}

function shape(message: string): OnnxCamError {
  return new OnnxCamError('ERR_INPUT_SHAPE', message);
}
