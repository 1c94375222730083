import { parseAddress } from './address.ts';
import { bounded } from './download.ts';
import { unread } from './list-inputs.ts';
import { type RemoteContent, readRemote } from './read-remote.ts';
import { RemoteFailure } from './remote-failure.ts';

/** Bytes of a picture or array that are fetched, as of streams: it is held in memory. */
export const LARGEST_INPUT = 2 ** 28;

/** An input that lies on a server. */
export interface RemotePlace {
  /** As messages name it. */
  readonly path: string;
  /** Where it is fetched from, if `path` is not all of that. */
  readonly url?: string | undefined;
}

/**
 * Fetches a picture or array, at most {@link LARGEST_INPUT} bytes.
 * @throws `ERR_IMAGE_NOT_FOUND`, `ERR_IMAGE_INVALID` for what is too large or cannot be fetched, `ERR_ABORTED`, `ERR_USAGE` without the
 * packages
 */
export async function readRemoteInput(
  { path, url = path }: RemotePlace,
  { signal, most = LARGEST_INPUT }: { readonly signal?: AbortSignal | undefined; readonly most?: number } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return (await readRemote(parseAddress(url), content => collect(content, most), { signal }))!;
  } catch (error) {
    throw error instanceof RemoteFailure ? unread(path, error) : error;
  }
}

async function collect(content: RemoteContent, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bounded(content, most)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
