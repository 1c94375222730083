import type { Readable } from 'node:stream';
import { onAbort } from '../common/abort-listeners.ts';
import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { findPictures } from './find-pictures.ts';

/** A folder, a glob, an array or an (async) iterable of images. */
export type StreamSource<T> = string | Iterable<T> | AsyncIterable<T>;

/** What a stream yields for one input: its result, or the error that it met. */
export type StreamResult<T, R> =
  | { readonly input: T; readonly result: R; readonly error?: undefined }
  | { readonly input: T; readonly error: OnnxCamError; readonly result?: undefined };

/**
 * The images of a stream's source.
 * @throws `ERR_OPTION_INVALID` for what is no source of several images; `ERR_IMAGE_NOT_FOUND`
 */
export async function openSource<T>(source: StreamSource<T>): Promise<Iterable<T> | AsyncIterable<T>> {
  if (typeof source === 'string') return (await findPictures(source)).map(({ path }) => path) as T[];
  if ((source as Partial<Readable> | null)?.readableObjectMode === false)
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      'stream takes several images, and this stream gives bytes; for the picture that they are use explain',
    );
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
  const queue = new ItemQueue(source, task);
  const forget = signal && onAbort(signal, () => queue.change());
  try {
    while (true) {
      throwIfAborted(signal);
      if (queue.size < concurrency) queue.readOne();
      const result = queue.takeOldest();
      if (result) yield result;
      else if (queue.isDone) break;
      else await queue.changed();
    }
    queue.throwSourceError();
  } finally {
    forget?.();
    await queue.close();
  }
}

/**
 * Items on their way from a source to the consumer. Whoever waits is told of every change by a promise that lives until
 * the next one: a race of promises would leave a reaction, and with it its outcome, on those of them that live long.
 */
class ItemQueue<T, R> {
  readonly #iterator: AsyncIterator<T, void> & { return(): Promise<unknown> };
  readonly #task: (input: T, index: number) => Promise<R>;
  /** In the order of the source. */
  readonly #slots: { result?: StreamResult<T, R> }[] = [];
  #count = 0;
  #isReading = false;
  #isClosed = false;
  #end: { readonly error?: unknown } | undefined;
  #wake = () => {};

  constructor(source: Iterable<T> | AsyncIterable<T>, task: (input: T, index: number) => Promise<R>) {
    this.#iterator = iterate(source);
    this.#task = task;
  }

  /** Items that were read and not taken. */
  get size(): number {
    return this.#slots.length;
  }

  get isDone(): boolean {
    return this.#end !== undefined && this.#slots.length === 0;
  }

  /** Begins to read an item and to work on it, unless one is being read or there are no more. */
  readOne(): void {
    if (!this.#isReading && !this.#end) void this.#read();
  }

  /** The result of the oldest item, if it is there. */
  takeOldest(): StreamResult<T, R> | undefined {
    return this.#slots[0]?.result && this.#slots.shift()!.result;
  }

  /** Resolves at the next change. */
  changed(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }

  change(): void {
    this.#wake();
  }

  /** @throws what the source threw */
  throwSourceError(): void {
    if (this.#end && 'error' in this.#end) throw this.#end.error;
  }

  /** Begins nothing more, and closes the source. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const closing = this.#iterator.return().catch(() => {});
    // A source that is still asked for its next item may never answer.
    if (!this.#isReading) await closing;
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      const { done, value } = await this.#iterator.next();
      if (done) this.#end = {};
      else if (!this.#isClosed) void this.#workOn(value as T);
    } catch (error) {
      this.#end = { error };
    }
    this.#isReading = false;
    this.change();
  }

  async #workOn(input: T): Promise<void> {
    const slot: { result?: StreamResult<T, R> } = {};
    this.#slots.push(slot);
    slot.result = await settle(input, this.#count++, this.#task);
    this.change();
  }
}

async function* iterate<T>(source: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, void, void> {
  yield* source;
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
