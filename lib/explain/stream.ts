import { OnnxCamError, throwIfAborted } from '../errors.ts';

/** A folder, a glob, an array or an (async) iterable of images. */
export type StreamSource<T> = string | Iterable<T> | AsyncIterable<T>;

export type StreamResult<T, R> =
  | { readonly input: T; readonly result: R; readonly error?: undefined }
  | { readonly input: T; readonly error: OnnxCamError; readonly result?: undefined };

/**
 * Runs `task` over a source with at most `concurrency` at once and yields in the order of the source. Nothing is read
 * ahead of what the consumer takes by more than `concurrency`. A failing item yields its error and the stream goes on;
 * an abort ends it.
 */
export async function* runStream<T, R>(
  source: Iterable<T> | AsyncIterable<T>,
  task: (input: T) => Promise<R>,
  { concurrency, signal }: { readonly concurrency: number; readonly signal?: AbortSignal },
): AsyncGenerator<StreamResult<T, R>, void, void> {
  const pending: Promise<StreamResult<T, R>>[] = [];
  const settle = async (input: T): Promise<StreamResult<T, R>> => {
    try {
      return { input, result: await task(input) };
    } catch (error) {
      if (error instanceof OnnxCamError) return { input, error };
      return {
        input,
        error: new OnnxCamError('ERR_RUNTIME', String((error as Error)?.message ?? error), { cause: error }),
      };
    }
  };
  for await (const input of source) {
    throwIfAborted(signal);
    pending.push(settle(input));
    if (pending.length >= concurrency) yield await next(pending, signal);
  }
  while (pending.length > 0) yield await next(pending, signal);
}

async function next<T, R>(
  pending: Promise<StreamResult<T, R>>[],
  signal: AbortSignal | undefined,
): Promise<StreamResult<T, R>> {
  const result = await pending.shift()!;
  throwIfAborted(signal);
  return result;
}
