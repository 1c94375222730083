import { setImmediate as nextTurn } from 'node:timers/promises';
import { types } from 'node:util';
import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { shown } from '../common/shown.ts';
import { unlessAborted } from '../common/unless-aborted.ts';
import { isMissing } from './regular-file.ts';

/** As `Blob` and `File` have it, whoever made them. */
export interface BlobLike {
  /** Bytes. */
  readonly size: number;
  /** Media type; '' where none is known. */
  readonly type: string;
  /**
   * Its bytes.
   * @throws what reading them meets
   */
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** As `Response` and `Request` of fetch have it. */
export interface BodyLike {
  /** It was read before. */
  readonly bodyUsed: boolean;
  /** A stream of the bytes, or null. */
  readonly body: unknown;
  /**
   * Its bytes.
   * @throws what reading them meets
   */
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** As `ReadableStream` has it. */
export interface WebStreamLike {
  /** Somebody else reads it. */
  readonly locked: boolean;
  /**
   * Reads it from now on.
   * @throws where somebody else reads it
   */
  getReader(): unknown;
}

/** What bytes come out of sooner or later; streams of Node are async iterables of them. */
export type ByteSource = BlobLike | BodyLike | WebStreamLike | AsyncIterable<Uint8Array>;

/** Bytes that are read when they are needed, and once. */
export interface ByteBody {
  /** What messages call it: `<File cat.png>`, `<Response https://host/cat.png>`. */
  readonly name: string;
  /**
   * Again the same bytes when it is called again.
   * @throws `ERR_IMAGE_INVALID` for a body that was read before, an answer that is no success, chunks that are no bytes, more than
   * {@link LARGEST_STREAM} bytes, and what the source throws; `ERR_IMAGE_NOT_FOUND` where that is a missing file; `ERR_ABORTED`
   */
  read(signal?: AbortSignal): Promise<Uint8Array>;
}

/** Bytes. What has no length of its own may have no end. */
export const LARGEST_STREAM = 2 ** 28;

/** A source in chunks that was begun. */
interface Opened {
  next(): Promise<{ readonly done?: boolean; readonly value?: unknown }>;
  /** Ends it, also while a chunk is waited for. */
  stop(): void;
}

/**
 * What bytes can be read from: Blob, File, Response, Request, ReadableStream, Node's streams, async iterables of bytes. Told by
 * what they have, not by their classes: those of other realms and packages are others.
 * @param as what it is called, where that is known better
 * @returns undefined for anything else
 */
export function byteBodyOf(input: object, as?: string): ByteBody | undefined {
  const has = (name: string) => name in input;
  const does = (name: string | symbol) => typeof (input as Record<string | symbol, unknown>)[name] === 'function';
  if (does('arrayBuffer') && has('bodyUsed')) return bodyOfFetch(input as BodyLike & Answer);
  if (does('arrayBuffer') && has('size') && has('type'))
    return bodyOfBlob(input as BlobLike & { readonly name?: unknown });
  if (does('getReader')) return bodyOfWebStream(input as WebStream, as);
  if (does(Symbol.asyncIterator)) return bodyOfIterable(input as AsyncIterable<unknown> & Partial<NodeStream>, as);
  return undefined;
}

interface Answer {
  readonly status?: number;
  readonly statusText?: string;
  readonly url?: string;
}

/** Of `Response`, and of `Request` as servers get it. */
function bodyOfFetch(answer: BodyLike & Answer): ByteBody {
  const name = `<${answer.status === undefined ? 'Request' : 'Response'}${withSpace(shownUrl(answer.url))}>`;
  const { body } = answer;
  const chunked = typeof body === 'object' && body !== null ? byteBodyOf(body, name) : undefined;
  return once(name, async signal => {
    const { status, statusText } = answer;
    if (status !== undefined && (status < 200 || status > 299)) {
      stopQuietly(() => (body as Partial<WebStream> | null)?.cancel?.());
      throw invalid(
        `${name} is no picture: the server answered ${status}${withSpace(statusText)}; look at \`response.ok\` before passing it on`,
      );
    }
    if (answer.bodyUsed) throw usedUp(name);
    return chunked ? chunked.read(signal) : whole(name, answer, signal);
  });
}

async function whole(name: string, from: Pick<BlobLike, 'arrayBuffer'>, signal: AbortSignal | undefined) {
  try {
    return new Uint8Array(await unlessAborted(from.arrayBuffer(), signal));
  } catch (error) {
    throw error instanceof OnnxCamError ? error : failed(name, error);
  }
}

function bodyOfBlob(blob: BlobLike & { readonly name?: unknown }): ByteBody {
  const isFile = typeof blob.name === 'string' && blob.name !== '';
  const name = isFile
    ? `<File${withSpace(blob.name as string)}>`
    : `<Blob${withSpace(blob.type)} of ${blob.size} bytes>`;
  return {
    name,
    read: async signal => {
      if (blob.size > LARGEST_BLOB)
        throw invalid(`${name} has ${blob.size} bytes, more than the ${LARGEST_BLOB} that are read`);
      return whole(name, blob, signal);
    },
  };
}

/** Bytes: what one buffer holds. */
const LARGEST_BLOB = 2 ** 31 - 1;

interface WebStream extends WebStreamLike {
  getReader(): Reader;
  cancel(reason?: unknown): Promise<unknown>;
}

interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: unknown }>;
  cancel(reason?: unknown): Promise<unknown>;
}

function bodyOfWebStream(stream: WebStream, name = '<ReadableStream>'): ByteBody {
  return once(name, async signal => {
    if (stream.locked) throw usedUp(name);
    const reader = stream.getReader();
    return collected(name, { next: () => reader.read(), stop: () => stopQuietly(() => reader.cancel()) }, signal);
  });
}

/** What Node's streams have besides. */
interface NodeStream {
  readonly path: unknown;
  readonly destroyed: boolean;
  readonly errored: Error | null;
  readonly readableEnded: boolean;
  readonly readableDidRead: boolean;
  on(event: 'error', listener: () => void): unknown;
  destroy(): unknown;
}

function bodyOfIterable(stream: AsyncIterable<unknown> & Partial<NodeStream>, as?: string): ByteBody {
  const { path } = stream;
  const kind = typeof stream.destroy === 'function' ? 'stream' : 'async iterable';
  const name = as ?? (typeof path === 'string' || Buffer.isBuffer(path) ? `<stream of ${path}>` : `<${kind}>`);
  // A stream that fails before it is read would end the process; that it failed is seen when it is.
  stream.on?.('error', () => {});
  return once(name, async signal => {
    if (stream.errored) throw failed(name, stream.errored);
    if (stream.destroyed || stream.readableEnded || stream.readableDidRead) throw usedUp(name);
    const iterator = stream[Symbol.asyncIterator]();
    const stop = () => stopQuietly(() => (stream.destroy ? stream.destroy() : iterator.return?.()));
    return collected(name, { next: () => iterator.next(), stop }, signal);
  });
}

/** A source that can be read once: its bytes are kept for whoever reads it again. */
function once(name: string, read: ByteBody['read']): ByteBody {
  let bytes: Promise<Uint8Array> | undefined;
  return {
    name,
    read: signal => {
      bytes ??= read(signal);
      return bytes;
    },
  };
}

async function collected(name: string, source: Opened, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    throwIfAborted(signal);
    return await unlessAborted(collect(name, source), signal);
  } catch (error) {
    source.stop();
    throw error instanceof OnnxCamError ? error : failed(name, error);
  }
}

/** Chunks between two turns of the event loop: a source that always has one ready would not let it in. */
const CHUNKS_PER_TURN = 256;

async function collect(name: string, { next }: Opened): Promise<Uint8Array> {
  let bytes = new Uint8Array(2 ** 16);
  let length = 0;
  for (let count = 1; ; count++) {
    const { done, value } = await next();
    if (done) return bytes.subarray(0, length);
    const chunk = bytesOf(name, value);
    const end = length + chunk.byteLength;
    if (end > LARGEST_STREAM)
      throw invalid(
        `${name} gives more than ${LARGEST_STREAM} bytes, the most that are read of a stream; save it as a file, or pass its bytes`,
      );
    if (end > bytes.byteLength) {
      const larger = new Uint8Array(Math.max(end, 2 * bytes.byteLength));
      larger.set(bytes.subarray(0, length));
      bytes = larger;
    }
    bytes.set(chunk, length);
    length = end;
    if (count % CHUNKS_PER_TURN === 0) await nextTurn();
  }
}

function bytesOf(name: string, chunk: unknown): Uint8Array {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (types.isAnyArrayBuffer(chunk)) return new Uint8Array(chunk);
  const hint =
    typeof chunk === 'string' ? '; open it without an encoding' : '; for several images use `stream`, or an array';
  throw invalid(`${name} is read as the bytes of one picture, and gives ${shown(chunk)}${hint}`);
}

function stopQuietly(stop: () => unknown): void {
  void Promise.resolve()
    .then(stop)
    .catch(() => {});
}

/** Where a picture came from: what follows a `?` may be a secret, as may a password. */
function shownUrl(url: string | undefined): string {
  if (!url || !URL.canParse(url)) return '';
  const { protocol, host, pathname } = new URL(url);
  return host === '' ? protocol : `${protocol}//${host}${pathname}`.slice(0, 200);
}

const withSpace = (text: string | undefined): string => (text ? ` ${text.slice(0, 200)}` : '');

function usedUp(name: string): OnnxCamError {
  return invalid(
    `${name} was read before, or is being read; it can be read once: read its bytes yourself and pass those`,
  );
}

function failed(name: string, cause: unknown): OnnxCamError {
  const code = isMissing(cause) ? 'ERR_IMAGE_NOT_FOUND' : 'ERR_IMAGE_INVALID';
  const reason = String((cause as Error)?.message ?? cause).split('\n')[0];
  return new OnnxCamError(code, `${name} cannot be read: ${reason}`, { cause });
}

function invalid(message: string): OnnxCamError {
  return new OnnxCamError('ERR_IMAGE_INVALID', message);
}
