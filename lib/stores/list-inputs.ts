import { extname } from 'node:path';
import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { type Address, addressText, parseAddress, shownAddress } from './address.ts';
import { nameOfKey, nameOfUrl } from './input-name.ts';
import { RemoteFailure } from './remote-failure.ts';
import { openS3, s3Failure } from './s3-client.ts';
import { listPage } from './s3-list.ts';

/** Something on a server that is to be explained. */
export interface RemoteInput {
  /** As messages and manifests name it: without secrets. */
  readonly path: string;
  /** Its path below the prefix, or its name: fit for files. */
  readonly below: string;
  /** Where it is fetched from, if `path` is not all of that. */
  readonly url?: string;
}

export interface ListOptions {
  /** Of the objects below a prefix, in lower case with the dot. */
  readonly extensions: readonly string[];
  /** A place whose objects are none of them, such as the one that results are written to. */
  readonly except?: string | undefined;
  /** Is told the other objects below a prefix, where there are some. */
  readonly onSkipped?: (names: readonly string[]) => void;
  readonly signal?: AbortSignal;
}

/**
 * The inputs that an address stands for: itself, or for `s3://BUCKET/PREFIX/` what is below the prefix, sorted, hidden names left out.
 * @throws `ERR_IMAGE_NOT_FOUND` when there is nothing of the kind, `ERR_IMAGE_INVALID` when it cannot be read, `ERR_USAGE` without the
 * packages
 */
export async function findRemote(text: string, options: ListOptions): Promise<RemoteInput[]> {
  const address = await attempt(text, () => parseAddress(text));
  const isPrefix = address.kind === 's3' && (address.key === '' || address.key.endsWith('/'));
  return isPrefix ? listPrefix(address, options) : [remoteInput(text)];
}

/** One input, not looked up. An address that is none has the name of what it is. */
export function remoteInput(text: string): RemoteInput {
  const path = shownAddress(text);
  return { path, below: nameOf(text), ...(path === text ? {} : { url: text }) };
}

function nameOf(text: string): string {
  if (/^https?:/i.test(text) && URL.canParse(text)) return nameOfUrl(new URL(text));
  return nameOfKey(text.slice(text.lastIndexOf('/') + 1));
}

async function listPrefix(
  { bucket, key: prefix }: Extract<Address, { kind: 's3' }>,
  { extensions, except, onSkipped = () => {}, signal }: ListOptions,
): Promise<RemoteInput[]> {
  const place = addressText({ kind: 's3', bucket, key: prefix });
  const found: RemoteInput[] = [];
  const skipped: string[] = [];
  const s3 = await openS3();
  let token: string | undefined;
  do {
    throwIfAborted(signal);
    const page = await attempt(place, () =>
      listPage(s3, bucket, prefix, { token, signal }).catch(error => {
        throw s3Failure(error, bucket);
      }),
    );
    for (const { key } of page.objects) {
      const path = addressText({ kind: 's3', bucket, key });
      const below = key.slice(prefix.length);
      const isHidden = below.split('/').some(part => part.startsWith('.'));
      if (below === '' || below.endsWith('/') || isHidden || isBelow(path, except, place)) continue;
      if (extensions.includes(extname(key).toLowerCase())) found.push({ path, below: nameOfKey(below) });
      else skipped.push(below);
    }
    token = page.token;
  } while (token !== undefined);
  if (skipped.length > 0) onSkipped(skipped);
  if (found.length > 0) return found;
  throw new OnnxCamError(
    'ERR_IMAGE_NOT_FOUND',
    `there are no pictures below ${place} (known: ${extensions.join(' ')}); a single object is named without / at the end`,
  );
}

/** Who looks in that place itself means its objects. */
function isBelow(path: string, except: string | undefined, looked: string): boolean {
  if (except === undefined) return false;
  const place = except.endsWith('/') ? except : `${except}/`;
  return path.startsWith(place) && !looked.startsWith(place);
}

async function attempt<T>(text: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof RemoteFailure ? unread(shownAddress(text), error) : error;
  }
}

/** Why an input on a server was not read. */
export function unread(path: string, failure: RemoteFailure): OnnxCamError {
  return failure.kind === 'missing'
    ? new OnnxCamError('ERR_IMAGE_NOT_FOUND', `no picture at ${path}: ${failure.message}`, { cause: failure })
    : new OnnxCamError('ERR_IMAGE_INVALID', `${path} cannot be read: ${failure.message}`, { cause: failure });
}
