import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { LARGEST_MODEL } from '../model/file/model-file.ts';
import { type Address, digest, parseAddress, shownAddress } from './address.ts';
import { download } from './download.ts';
import { nameOfKey, nameOfUrl } from './input-name.ts';
import { cacheFolder, makeCacheFolder, readTags, writeTags } from './model-cache.ts';
import { fetchBeside } from './model-neighbours.ts';
import { RemoteFailure } from './remote-failure.ts';

/** A model that was fetched. */
export interface FetchedModel {
  /** Of its file, in a folder with those beside it. */
  readonly path: string;
  /** What could not be told. */
  readonly warnings: readonly string[];
}

export interface FetchModelOptions {
  /** Of the model's file, where it is known: then it is fetched once, and no other is taken. */
  readonly sha256?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fetches a model into the cache folder: its file, and those beside it that say how it is used or hold its weights. What lies there
 * already is fetched again only if it has changed. Files appear whole or not at all, so that any number of processes may do this at once.
 * @throws `ERR_MODEL_NOT_FOUND` for what cannot be fetched, `ERR_MODEL_INVALID` for another content than the hash says,
 * `ERR_EXTERNAL_DATA` for weights that cannot be fetched, `ERR_OUTPUT` for the cache folder, `ERR_ABORTED`, `ERR_USAGE` without the
 * packages
 */
export async function fetchModel(location: string, { sha256, signal }: FetchModelOptions = {}): Promise<FetchedModel> {
  const shown = shownAddress(location);
  try {
    const address = parseAddress(location);
    const place = join(await cacheFolder(), 'models', digest(shown).slice(0, 16));
    await makeCacheFolder(place);
    const hash = await fetchFile({ address, shown, place, sha256, signal });
    const path = join(place, hash, fileName(address));
    const warnings = await fetchBeside(address, path, { shown, signal });
    return { path, warnings };
  } catch (error) {
    if (!(error instanceof RemoteFailure)) throw error;
    throw new OnnxCamError(
      'ERR_MODEL_NOT_FOUND',
      error.kind === 'missing'
        ? `there is no model at ${shown}: ${error.message}`
        : `the model ${shown} cannot be fetched: ${error.message}`,
      { cause: error },
    );
  }
}

function fileName(address: Address): string {
  return address.kind === 's3'
    ? nameOfKey(address.key.slice(address.key.lastIndexOf('/') + 1))
    : nameOfUrl(address.url);
}

interface Fetching {
  readonly address: Address;
  readonly shown: string;
  /** Folder of this address' files, by their hashes. */
  readonly place: string;
  readonly sha256: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** @returns the hash of the model's file, which lies in the folder of that name */
async function fetchFile({ address, shown, place, sha256, signal }: Fetching): Promise<string> {
  const name = fileName(address);
  const isHere = (hash: string) =>
    stat(join(place, hash, name)).then(
      info => info.isFile(),
      () => false,
    );
  if (sha256 !== undefined && (await isHere(sha256))) return sha256;
  const { tag, hash } = await readTags(place);
  const known = sha256 === undefined && hash !== undefined && (await isHere(hash)) ? hash : undefined;
  const options = { folder: place, most: LARGEST_MODEL, signal, tag: known === undefined ? undefined : tag };
  const fetched = await download(address, options, async found => {
    if (sha256 !== undefined && found.sha256 !== sha256)
      throw new OnnxCamError(
        'ERR_MODEL_INVALID',
        `the model ${shown} is not the one that was asked for: its SHA-256 is ${found.sha256}, not ${sha256}`,
      );
    await makeCacheFolder(join(place, found.sha256));
    await found.moveTo(join(place, found.sha256, name));
    await writeTags(place, { hash: found.sha256, ...(found.tag !== undefined && { tag: found.tag }) });
    return found.sha256;
  });
  return fetched ?? known!;
}
