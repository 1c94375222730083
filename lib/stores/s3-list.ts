import type { S3 } from './s3-client.ts';

/** A page of a listing. */
export interface ObjectPage {
  /** In the order of the keys' UTF-8 bytes. */
  readonly objects: readonly { readonly key: string; readonly size: number }[];
  readonly isEnd: boolean;
  /** Where the next page begins. */
  readonly token: string | undefined;
}

/**
 * Up to a thousand objects whose keys begin in one way.
 * @param from `start`: those above this key; `token`: a page's own, for the one behind it
 */
export async function listPage(
  { client, sdk }: S3,
  bucket: string,
  prefix: string,
  {
    start,
    token,
    signal,
  }: { readonly start?: string; readonly token?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<ObjectPage> {
  // Encoded: XML has no place for some of the characters that keys may hold.
  const page = {
    Bucket: bucket,
    Prefix: prefix,
    StartAfter: start,
    ContinuationToken: token,
    EncodingType: 'url',
  } as const;
  const answer = await client.send(new sdk.ListObjectsV2Command(page), { abortSignal: signal });
  const isEncoded = answer.EncodingType === 'url';
  const objects = (answer.Contents ?? []).map(({ Key = '', Size = 0 }) => ({
    key: isEncoded ? decodeURIComponent(Key.replaceAll('+', ' ')) : Key,
    size: Size,
  }));
  return { objects, isEnd: answer.IsTruncated !== true, token: answer.NextContinuationToken };
}
