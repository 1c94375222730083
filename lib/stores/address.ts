import { createHash } from 'node:crypto';
import { RemoteFailure } from './remote-failure.ts';

/** A place on a server: an object or what is below a prefix, or a web address. */
export type Address =
  | { readonly kind: 's3'; readonly bucket: string; readonly key: string }
  | { readonly kind: 'http'; readonly url: URL };

/** Whether a text names a place on a server, and no file of this machine. */
export function isRemote(text: string): boolean {
  return /^(s3|https?):\/\//i.test(text);
}

/** @throws RemoteFailure for addresses without a host or bucket */
export function parseAddress(text: string): Address {
  const object = /^s3:\/\/([^/]+)(?:\/(.*))?$/is.exec(text);
  if (object) return { kind: 's3', bucket: object[1]!, key: object[2] ?? '' };
  if (!/^https?:/i.test(text) || !URL.canParse(text))
    throw new RemoteFailure('other', 'this is no valid address: expected https://HOST/PATH or s3://BUCKET/KEY');
  return { kind: 'http', url: new URL(text) };
}

/** Parameters that sign an address (S3, Google, Azure, CloudFront): made anew each time, of the same thing. */
const SIGNATURES =
  /^(x-amz-.*|x-goog-.*|awsaccesskeyid|googleaccessid|expires|signature|policy|key-pair-id|sig|sv|se|st|sp|sr|spr|sks|ske|skt|skv|sktid|skoid)$/i;

/**
 * An address as messages and manifests name it: without passwords and without what follows a `?`, which may be a secret too. Where that
 * is no signature a hash stands for it, so that addresses of different things differ.
 */
export function shownAddress(text: string): string {
  if (!/^https?:/i.test(text) || !URL.canParse(text)) return text.replace(/^(\w+:\/\/)[^/@]*@/, '$1');
  const { protocol, host, pathname, searchParams } = new URL(text);
  const told = [...searchParams].filter(([name]) => !SIGNATURES.test(name));
  const query = told.length === 0 ? '' : `?…${digest(JSON.stringify(told)).slice(0, 8)}`;
  return `${protocol}//${host}${pathname}${query}`;
}

/** A place as messages name it. */
export function addressText(address: Address): string {
  return address.kind === 's3' ? `s3://${address.bucket}/${address.key}` : shownAddress(address.url.href);
}

/** Hexadecimal SHA-256. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
