import { abortError, OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { findPictures } from './find-pictures.ts';

/** A folder, a glob, an array or an (async) iterable of images. */
export type StreamSource<T> = string | Iterable<T> | AsyncIterable<T>;

export type StreamResult<T, R> =
  | { readonly input: T; readonly result: R; readonly error?: undefined }
  | { readonly input: T; readonly error: OnnxCamError; readonly result?: undefined };

/**
 * The images of a stream's source.
 * @throws `ERR_OPTION_INVALID` for what is no source of several images; `ERR_IMAGE_NOT_FOUND`
 */
export async function openSource<T>(source: StreamSource<T>): Promise<Iterable<T> | AsyncIterable<T>> {
  if (typeof source === 'string') return (await findPictures(source)) as T[];
  const iterable = typeof source === 'object' && source !== null && !ArrayBuffer.isView(source);
  if (iterable && (Symbol.iterator in source || Symbol.asyncIterator in source)) return source;
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    'stream takes a folder, a glob, an array or an (async) iterable of images; for one image use explain',
  );
}

/**
 * Runs `task` over a source with at most `concurrency` at once and yields in the order of the source, each result as
 * soon as it is there: a slow source doesn't hold it back. Nothing is read ahead of what the consumer takes by more than
 * `concurrency`. A failing item yields its error and the stream goes on; an abort ends it, and so does a failing source
 * once what it gave is finished.
 */
export async function* runStream<T, R>(
  source: Iterable<T> | AsyncIterable<T>,
  task: (input: T, index: number) => Promise<R>,
  { concurrency, signal }: { readonly concurrency: number; readonly signal?: AbortSignal },
): AsyncGenerator<StreamResult<T, R>, void, void> {
  throwIfAborted(signal);
  const iterator = iterate(source);
  const pending: Promise<StreamResult<T, R>>[] = [];
  let reading: Promise<Read<T>> | undefined;
  let end: Extract<Read<T>, { kind: 'end' }> | undefined;
  let count = 0;
  const abortion = new Abortion(signal);
  try {
    while (true) {
      if (!end && pending.length < concurrency) reading ??= read(iterator);
      const [oldest] = pending;
      if (!reading && !oldest) break;
      const next = await Promise.race([
        abortion.promise,
        ...(reading ? [reading] : []),
        ...(oldest ? [oldest.then(result => ({ kind: 'result' as const, result }))] : []),
      ]);
      if (next.kind === 'result') {
        pending.shift();
        yield next.result;
        throwIfAborted(signal);
      } else {
        reading = undefined;
        if (next.kind === 'end') end = next;
        else pending.push(settle(next.input, count++, task));
      }
    }
    if (end && 'error' in end) throw end.error;
  } finally {
    abortion.release();
    const closing = iterator.return().catch(() => {});
    // A source that is still asked for its next item may never answer.
    if (!reading) await closing;
  }
}

type Read<T> = { readonly kind: 'item'; readonly input: T } | { readonly kind: 'end'; readonly error?: unknown };

async function* iterate<T>(source: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, void, void> {
  yield* source;
}

async function read<T>(iterator: AsyncIterator<T, void>): Promise<Read<T>> {
  try {
    const { done, value } = await iterator.next();
    return done ? { kind: 'end' } : { kind: 'item', input: value as T };
  } catch (error) {
    return { kind: 'end', error };
  }
}

async function settle<T, R>(
  input: T,
  index: number,
  task: (input: T, index: number) => Promise<R>,
): Promise<StreamResult<T, R>> {
  try {
    return { input, result: await task(input, index) };
  } catch (error) {
    if (error instanceof OnnxCamError) return { input, error };
    const message = String((error as Error)?.message ?? error);
    return { input, error: new OnnxCamError('ERR_RUNTIME', message, { cause: error }) };
  }
}

/** A signal as a promise that is rejected when it fires. */
class Abortion {
  readonly promise: Promise<never>;
  readonly #signal: AbortSignal | undefined;
  #listener: () => void = () => {};

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.promise = new Promise((_, reject) => {
      this.#listener = () => reject(abortError(signal));
      signal?.addEventListener('abort', this.#listener);
    });
    this.promise.catch(() => {});
  }

  release(): void {
    this.#signal?.removeEventListener('abort', this.#listener);
  }
}
