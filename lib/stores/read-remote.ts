import { abortError } from '../common/errors.ts';
import type { Address } from './address.ts';
import { httpRequest } from './http.ts';
import { IdleWatch } from './idle-watch.ts';
import { RemoteFailure } from './remote-failure.ts';
import { withRetries } from './retries.ts';
import { openS3, s3Failure } from './s3-client.ts';

/** Content that is on its way. */
export interface RemoteContent {
  /** Bytes, where they were told. */
  readonly size: number | undefined;
  /** What stands for this content, where the server says so. */
  readonly tag: string | undefined;
  /** Fail where they end too early. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Of what is here already: where it is still the same nothing is read. */
  readonly tag?: string | undefined;
}

/**
 * Reads something from a server, again where that breaks off.
 * @param use is called for each try
 * @returns what `use` gives; undefined where nothing has changed since the tag
 * @throws RemoteFailure, `ERR_ABORTED`, `ERR_USAGE` without the packages
 */
export function readRemote<T>(
  address: Address,
  use: (content: RemoteContent) => Promise<T>,
  options: ReadOptions = {},
): Promise<T | undefined> {
  return address.kind === 's3' ? readObject(address, use, options) : readWeb(address.url, use, options);
}

function readWeb<T>(
  url: URL,
  use: (content: RemoteContent) => Promise<T>,
  { signal, tag }: ReadOptions,
): Promise<T | undefined> {
  const headers: Record<string, string> = tag === undefined ? {} : { 'if-none-match': tag };
  return httpRequest(
    url,
    { headers, accept: tag === undefined ? [] : [304], signal },
    ({ status, headers, chunks }) => {
      if (status === 304) return undefined;
      // Packed content has another length than what is read of it.
      const length = headers.has('content-encoding') ? null : headers.get('content-length');
      return use({ size: length === null ? undefined : Number(length), tag: headers.get('etag') ?? undefined, chunks });
    },
  );
}

interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
}

async function readObject<T>(
  { bucket, key }: ObjectPlace,
  use: (content: RemoteContent) => Promise<T>,
  { signal, tag }: ReadOptions,
): Promise<T | undefined> {
  const { client, sdk } = await openS3();
  return withRetries(async () => {
    const command = new sdk.GetObjectCommand({ Bucket: bucket, Key: key, IfNoneMatch: tag });
    const answer = await client.send(command, { abortSignal: signal }).catch(error => {
      if (signal?.aborted) throw abortError(signal);
      if (tag !== undefined && error?.$metadata?.httpStatusCode === 304) return undefined;
      throw s3Failure(error, bucket);
    });
    if (!answer) return undefined;
    // The SDK's type covers browsers too.
    const body = answer.Body as AsyncIterable<Uint8Array> & NodeJS.ReadableStream & { destroy(error?: Error): void };
    const watch = new IdleWatch(signal);
    const stop = () => body.destroy(watch.signal.reason);
    watch.signal.addEventListener('abort', stop);
    try {
      const size = answer.ContentLength;
      return await use({ size, tag: answer.ETag, chunks: whole(watch.watched(body), size) });
    } catch (error) {
      if (watch.signal.aborted) throw watch.signal.reason;
      throw isOfNetwork(error) ? new RemoteFailure('temporary', 'the server broke off', { cause: error }) : error;
    } finally {
      watch.end();
      body.destroy();
    }
  }, signal);
}

const isOfNetwork = (error: unknown): boolean =>
  /^(ECONN|EPIPE|ETIMEDOUT|ERR_STREAM|HPE_)/.test(String((error as NodeJS.ErrnoException)?.code));

/** @throws RemoteFailure where it ends before its length is reached, which a connection that is closed looks like */
async function* whole(chunks: AsyncIterable<Uint8Array>, size: number | undefined): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const chunk of chunks) {
    read += chunk.byteLength;
    yield chunk;
  }
  if (size !== undefined && read !== size)
    throw new RemoteFailure('temporary', `the server broke off after ${read} of ${size} bytes`);
}
