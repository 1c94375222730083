import { OnnxCamError } from '../common/errors.ts';
import { type Address, isRemote, parseAddress, shownAddress } from './address.ts';
import { HttpStore } from './http-store.ts';
import { LocalStore } from './local-store.ts';
import type { OutputStore } from './output-store.ts';
import { S3Store } from './s3-store.ts';

/**
 * Where a text says that results go: a folder, `s3://BUCKET/PREFIX`, or an address of a web server.
 * @throws `ERR_OUTPUT` for an address that is none
 */
export function openStore(location: string): OutputStore {
  if (!isRemote(location)) return new LocalStore(location);
  const address = addressOf(location);
  return address.kind === 's3' ? new S3Store(address) : new HttpStore(address.url);
}

function addressOf(location: string): Address {
  try {
    return parseAddress(location);
  } catch (cause) {
    throw new OnnxCamError('ERR_OUTPUT', `cannot write to ${shownAddress(location)}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
