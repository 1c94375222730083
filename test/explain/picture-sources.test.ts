import { createReadStream, openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import type { StreamResult } from '../../lib/io/picture-stream.ts';
import { output } from '../../lib/targets/index.ts';
import { expectError } from '../helpers/expect-error.ts';
import { flat, one, plainModel } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

const open = explainerOpener();
const PATH = fileURLToPath(new URL('../../assets/pictures/coffee.jpg', import.meta.url));

let cam: Explainer;
let bytes: Buffer<ArrayBuffer>;
let server: Server;
let url: string;
let received: Promise<Awaited<ReturnType<Explainer['predict']>>> | undefined;

beforeAll(async () => {
  cam = await open(plainModel(), { preprocess: 'unit' });
  bytes = await readFile(PATH);
  server = createServer((request: IncomingMessage, response) => {
    if (request.method === 'POST') {
      received = cam.predict(request);
      received.then(
        found => response.end(String(found[0]!.index)),
        () => response.end(),
      );
    } else if (request.url === '/cat.jpg') response.setHeader('connection', 'close').end(bytes);
    else response.writeHead(404, { connection: 'close' }).end('<h1>nothing here</h1>');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

async function collect<T, R>(stream: AsyncIterable<StreamResult<T, R>>): Promise<StreamResult<T, R>[]> {
  const results: StreamResult<T, R>[] = [];
  for await (const result of stream) results.push(result);
  return results;
}

const same = (a: Uint8Array | Float32Array, b: Uint8Array | Float32Array) =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

const sources = () =>
  ({
    'an ArrayBuffer': () => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    'a file: URL': () => pathToFileURL(PATH),
    'the text of a file: URL': () => pathToFileURL(PATH).href,
    'a Blob': () => new Blob([bytes]),
    'a File': () => new File([bytes], 'cat.jpg'),
    'a file as Blob': () => openAsBlob(PATH),
    'a Response': () => new Response(bytes),
    'what fetch gives': () => fetch(`${url}/cat.jpg`),
    'a ReadableStream': () => new Blob([bytes]).stream(),
    'a stream of Node': () => createReadStream(PATH),
    'an async iterable': () => Readable.from([bytes.subarray(0, 999), bytes.subarray(999)]),
  }) as const;

describe('a picture', () => {
  it.each(Object.entries(sources()))('as %s is the same', async (_, make) => {
    const expected = one(await cam.explain(bytes));
    const result = one(await cam.explain(await make()));
    expect(same(result.map.data, expected.map.data)).toBe(true);
    expect(same((await result.overlay()).data, (await expected.overlay()).data)).toBe(true);
    expect(await cam.predict(await make())).toEqual(await cam.predict(bytes));
  });

  it('that comes in a request is explained without a detour', async () => {
    const answer = await fetch(url, { method: 'POST', body: bytes });
    expect(await answer.text()).toBe(String((await cam.predict(bytes))[0]!.index));
    expect(await received).toEqual(await cam.predict(bytes));
  });

  it('may be turned, and has its whole size in overlays that are drawn later', async () => {
    const turned = await sharp(bytes).withMetadata({ orientation: 6 }).toBuffer();
    const { width, height } = await sharp(bytes).metadata();
    const result = one(await cam.explain(new Response(turned), { mapSize: { max: 40 } }));
    const { info } = await result.crop({ box: [0, 0, height, width] });
    expect([info.width, info.height]).toEqual([height, width]);
  });

  it('is measured', async () => {
    const map = one(await cam.explain(new Blob([bytes]), { mapSize: 'input' }));
    const metrics = ['average-drop', 'deletion'];
    const expected = await cam.measure(bytes, { map, metrics });
    const found = await cam.measure(new Response(bytes), { map, metrics });
    expect(found.deletion!.value).toBe(expected.deletion!.value);
    expect(found['average-drop']!.value).toBe(expected['average-drop']!.value);
    const rows = [];
    for await (const row of cam.evaluate([new Blob([bytes])], { metrics: ['average-drop'], controls: false }))
      rows.push(row);
    expect(rows).toMatchObject([{ metric: 'average-drop', status: 'ok' }]);
  });

  it('is read once, however often a call needs it', async () => {
    const result = await cam.explain(new Response(bytes), { target: [output('y', 1), 1, 2] });
    expect(flat(result).map(({ target }) => target.index)).toEqual([1, 1, 2]);
    const answer = new Response(bytes);
    await cam.explain(answer);
    await expectError(() => cam.explain(answer), 'ERR_IMAGE_INVALID', '<Response> was read before');
  });
});

describe('several pictures', () => {
  it('may be an array of sources of all kinds', async () => {
    const all = await Promise.all(Object.values(sources()).map(make => make()));
    const results = flat(await cam.explain(all));
    expect(results).toHaveLength(all.length);
    for (const result of results) expect(same(result.map.data, results[0]!.map.data)).toBe(true);
  });

  it('may come from an async iterable; one that fails does not end the stream', async () => {
    async function* pictures() {
      yield new Blob([bytes]);
      yield await fetch(`${url}/missing.jpg?token=secret`);
      yield new File(['no picture'], 'text.txt');
      yield createReadStream(`${PATH}.missing`);
      yield new Response(bytes);
    }
    const results = await collect(cam.stream(pictures(), { concurrency: 2 }));
    expect(results.map(({ error }) => error?.code)).toEqual([
      ...[undefined, 'ERR_IMAGE_INVALID', 'ERR_IMAGE_INVALID', 'ERR_IMAGE_NOT_FOUND', undefined],
    ]);
    expect(results[1]!.error!.message).toContain(
      `<Response ${url}/missing.jpg> is no picture: the server answered 404`,
    );
    expect(results[1]!.error!.message).not.toContain('secret');
    expect(results[2]!.error!.message).toContain('<File text.txt> cannot be decoded');
  });

  it('are not the bytes of one', async () => {
    await expectError(() => collect(cam.stream(createReadStream(PATH) as never)), 'ERR_OPTION_INVALID', 'use explain');
    await expectError(() => cam.explain(Readable.from([new Blob([bytes])])), 'ERR_IMAGE_INVALID', 'use `stream`');
  });
});

describe('what is no source', () => {
  it('is a URL of the network, with advice', async () => {
    for (const source of [`${url}/cat.jpg`, new URL(`${url}/cat.jpg`), 'https://example.org/a.png'])
      await expectError(() => cam.explain(source), 'ERR_IMAGE_INVALID', 'await fetch(url)');
  });

  it('is a sharp instance, though it is a stream', async () => {
    await expectError(() => cam.explain(sharp(PATH) as never), 'ERR_IMAGE_INVALID', 'sharp instance');
  });

  it('ends a call that is aborted while it waits for bytes', async () => {
    const silent = new ReadableStream({ pull: () => new Promise<never>(() => {}) });
    await expectError(() => cam.explain(new Response(silent), { signal: AbortSignal.timeout(20) }), 'ERR_ABORTED');
  });
});
