import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { listen, setEnvironment, type TestServer } from './faulty-server.ts';
import { send } from './web-server.ts';

/**
 * What the tests need of S3's protocol as the SDK speaks it: objects, pages of listings, uploads in parts. The servers of the npm
 * registry compute other signatures for buckets than the SDK does, end at a thousand names (they make tokens with a cipher that OpenSSL 3
 * lacks) and write `&` in names twice encoded.
 */
export interface S3Server extends TestServer {
  /** By key. */
  readonly objects: Map<string, Buffer>;
  /** Media types by key. */
  readonly types: Map<string, string>;
  /** How many uploads in parts were completed. */
  readonly uploads: { completed: number };
}

export const BUCKET = 'pictures';
const KEY_ID = 'TESTKEY';

/** A server with one bucket, to which the environment of this process points until the test is over. */
export async function s3Server(): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const types = new Map<string, string>();
  const uploads = { completed: 0 };
  const parts = new Map<string, Map<number, Buffer>>();
  const handle = async (asked: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const { pathname, searchParams: query } = new URL(asked.url!, 'http://server');
    const [bucket, ...rest] = pathname.slice(1).split('/');
    const key = decodeURIComponent(rest.join('/'));
    const fail = (status: number, code: string) => xml(answer, `<Error><Code>${code}</Code></Error>`, status);
    if (!asked.headers.authorization?.includes(`Credential=${KEY_ID}/`)) return fail(403, 'InvalidAccessKeyId');
    if (bucket !== BUCKET) return fail(404, 'NoSuchBucket');
    const store = (content: Buffer) => {
      objects.set(key, content);
      types.set(key, asked.headers['content-type'] ?? '');
    };
    if (asked.method === 'PUT' && query.has('uploadId')) {
      const content = await buffer(asked);
      parts.get(query.get('uploadId')!)!.set(Number(query.get('partNumber')), content);
      answer.writeHead(200, { etag: tagOf(content) }).end();
    } else if (asked.method === 'PUT') {
      // Signed chunks would have to be unpacked.
      if (asked.headers['content-encoding']?.includes('aws-chunked')) return fail(501, 'NotImplemented');
      store(await buffer(asked));
      answer.writeHead(200).end();
    } else if (asked.method === 'POST' && query.has('uploads')) {
      const id = `upload-${parts.size}`;
      parts.set(id, new Map());
      xml(answer, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    } else if (asked.method === 'POST') {
      const listed = [...(await text(asked)).matchAll(/<PartNumber>(\d+)</g)].map(([, number]) => Number(number));
      const got = parts.get(query.get('uploadId')!)!;
      store(Buffer.concat(listed.map(number => got.get(number)!)));
      uploads.completed++;
      xml(answer, '<CompleteMultipartUploadResult><ETag>"parts"</ETag></CompleteMultipartUploadResult>');
    } else if (asked.method === 'DELETE') {
      if (query.has('uploadId')) parts.delete(query.get('uploadId')!);
      else objects.delete(key);
      answer.writeHead(204).end();
    } else if (key === '') xml(answer, listing([...objects.keys()], query));
    else if (objects.has(key) || asked.method === 'HEAD') send(asked, answer, objects.get(key));
    else fail(404, 'NoSuchKey');
  };
  const server = await listen(handle);
  setEnvironment({
    AWS_ENDPOINT_URL: server.origin,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: KEY_ID,
    AWS_SECRET_ACCESS_KEY: 'SECRET',
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  return Object.assign(server, { objects, types, uploads });
}

const PAGE = 1000;

function listing(keys: readonly string[], query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? '';
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const found = keys
    .filter(key => key.startsWith(prefix) && Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const page = found.slice(0, PAGE);
  const encoded = query.get('encoding-type') === 'url';
  const nameOf = (key: string) => (encoded ? encodeURIComponent(key).replaceAll('%20', '+') : escaped(key));
  const isTruncated = found.length > page.length;
  return [
    '<ListBucketResult>',
    encoded ? '<EncodingType>url</EncodingType>' : '',
    `<IsTruncated>${isTruncated}</IsTruncated>`,
    isTruncated ? `<NextContinuationToken>${escaped(page.at(-1)!)}</NextContinuationToken>` : '',
    ...page.map(key => `<Contents><Key>${nameOf(key)}</Key><Size>1</Size></Contents>`),
    '</ListBucketResult>',
  ].join('');
}

const escaped = (name: string): string => name.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const tagOf = (content: Buffer): string => `"${createHash('md5').update(content).digest('hex')}"`;

function xml(answer: ServerResponse, body: string, status = 200): void {
  answer.writeHead(status, { 'content-type': 'application/xml' });
  answer.end(Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${body}`));
}
