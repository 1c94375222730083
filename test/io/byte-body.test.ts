import { createReadStream, openAsBlob } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { byteBodyOf, LARGEST_STREAM } from '../../lib/io/byte-body.ts';
import { expectError } from '../helpers/expect-error.ts';

const THIS = fileURLToPath(import.meta.url);
const BYTES = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
const halves = () => [BYTES.subarray(0, 33_333), BYTES.subarray(33_333)];

async function* chunks(parts: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* parts;
}

const read = (input: object, signal?: AbortSignal) => byteBodyOf(input)!.read(signal);

const SOURCES: Record<string, () => object | Promise<object>> = {
  'a Blob': () => new Blob(halves()),
  'a File': () => new File(halves(), 'cat.png', { type: 'image/png' }),
  'a Blob of another package': () => ({ size: BYTES.length, type: '', arrayBuffer: async () => BYTES.slice().buffer }),
  'a Blob of another realm': () =>
    runInNewContext('({ size: 5, type: "", arrayBuffer: async () => Uint8Array.from(bytes).buffer })', {
      bytes: BYTES,
    }),
  'a Response': () => new Response(BYTES),
  'a Response of several chunks': () => new Response(new Blob(halves()).stream()),
  'a Request': () => new Request('https://example.org/', { method: 'POST', body: BYTES }),
  'an answer as node-fetch has it': () => ({
    ...{ status: 200, url: 'https://example.org/a.png', bodyUsed: false, body: Readable.from(halves()) },
    arrayBuffer: async () => new ArrayBuffer(0),
  }),
  'an answer whose body is no stream': () => ({
    ...{ status: 200, bodyUsed: false, body: null },
    arrayBuffer: async () => BYTES.slice().buffer,
  }),
  'a ReadableStream': () => new Blob(halves()).stream(),
  'a stream of Node': () => Readable.from(halves()),
  'a stream in small chunks': () => new Readable({ highWaterMark: 10, read() {} }).wrap(Readable.from(halves())),
  'an async iterable': () => chunks(halves()),
  'an async iterable of buffers and views': () =>
    chunks([BYTES.slice(0, 8).buffer, new DataView(BYTES.slice().buffer, 8, 99_992)]),
  'an async iterable of another realm': () =>
    runInNewContext('(async function* () { yield Uint8Array.from(bytes).buffer; })()', { bytes: BYTES }),
};

describe('bytes', () => {
  it.each(Object.entries(SOURCES))('of %s, also when they are asked for again', async (_, make) => {
    const body = byteBodyOf(await make())!;
    for (let again = 0; again < 2; again++) expect(Buffer.from(BYTES).equals(await body.read())).toBe(true);
  });

  it('of a file that is opened as Blob or stream', async () => {
    const [a, b] = await Promise.all([read(await openAsBlob(THIS)), read(createReadStream(THIS))]);
    expect(Buffer.from(a).equals(b)).toBe(true);
    expect(a.length).toBeGreaterThan(1000);
  });

  it('are of nothing else', () => {
    for (const other of [{}, [], new Map(), { size: 3 }, { arrayBuffer: 1, size: 2, type: '' }, new Set([1])])
      expect(byteBodyOf(other)).toBeUndefined();
  });

  it('go on being read while the memory of chunks is used again', async () => {
    const shared = new Uint8Array(3);
    async function* reusing() {
      for (const value of [1, 2, 3]) {
        shared.fill(value);
        yield shared;
      }
    }
    expect([...(await read(reusing()))]).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3]);
  });
});

describe('names', () => {
  const nameOf = (input: object) => byteBodyOf(input)!.name;
  it('say what a source is and where it came from, without secrets', () => {
    expect(nameOf(new Blob(['abc'], { type: 'image/png' }))).toBe('<Blob image/png of 3 bytes>');
    expect(nameOf(new Blob(['abc']))).toBe('<Blob of 3 bytes>');
    expect(nameOf(new File([], 'cat.png'))).toBe('<File cat.png>');
    const answer = (url: string) => ({ status: 200, bodyUsed: false, body: null, url, arrayBuffer: async () => [] });
    expect(nameOf(answer('https://me:word@example.org:8080/a/cat.png?token=1#x'))).toBe(
      '<Response https://example.org:8080/a/cat.png>',
    );
    expect(nameOf(answer('data:image/png;base64,AAAA'))).toBe('<Response data:>');
    expect(nameOf(new Response('a'))).toBe('<Response>');
    expect(nameOf(new Request('https://example.org/cat'))).toBe('<Request https://example.org/cat>');
    expect(nameOf(new Blob([]).stream())).toBe('<ReadableStream>');
    expect(nameOf(Readable.from([]))).toBe('<stream>');
    expect(nameOf(chunks([]))).toBe('<async iterable>');
    const file = createReadStream(THIS);
    expect(nameOf(file)).toBe(`<stream of ${THIS}>`);
    file.destroy();
  });
});

describe('what cannot be read', () => {
  it('is an answer that is no success', async () => {
    for (const [status, text] of [
      [404, 'Not Found'],
      [500, ''],
      [302, 'Found'],
    ] as const) {
      let cancelled = false;
      const body = new ReadableStream({ cancel: () => void (cancelled = true) });
      const answer = new Response(body, { status, statusText: text });
      await expectError(
        () => read(answer),
        'ERR_IMAGE_INVALID',
        `<Response>`,
        `answered ${status}`,
        text,
        'response.ok',
      );
      await sleep(1);
      expect(cancelled).toBe(true);
    }
  });

  it('is what was read before', async () => {
    const answer = new Response(BYTES);
    await answer.arrayBuffer();
    const locked = new Blob(halves()).stream();
    locked.getReader();
    const ended = Readable.from(halves());
    for await (const _ of ended);
    const begun = Readable.from(halves(), { highWaterMark: 1 });
    await new Promise(resolve => begun.once('data', resolve));
    const destroyed = new PassThrough().destroy();
    for (const used of [answer, locked, ended, begun, destroyed])
      await expectError(() => read(used), 'ERR_IMAGE_INVALID', 'was read before');
    const twice = new Response(BYTES);
    await read(twice);
    await expectError(() => read(twice), 'ERR_IMAGE_INVALID', '<Response> was read before');
  });

  it('is a source that fails, whose reason is told', async () => {
    async function* failing() {
      yield BYTES;
      throw new Error('the line broke');
    }
    await expectError(() => read(failing()), 'ERR_IMAGE_INVALID', '<async iterable> cannot be read: the line broke');
    const stream = Readable.from(failing());
    await expectError(() => read(stream), 'ERR_IMAGE_INVALID', '<stream> cannot be read: the line broke');
    expect(stream.destroyed).toBe(true);
    const web = new ReadableStream({ start: controller => controller.error(new Error('no more')) });
    await expectError(() => read(new Response(web)), 'ERR_IMAGE_INVALID', '<Response> cannot be read: no more');
    const blob = { size: 1, type: '', arrayBuffer: () => Promise.reject(new Error('it changed')) };
    await expectError(() => read(blob), 'ERR_IMAGE_INVALID', 'it changed');
    await expectError(() => read({ ...blob, size: 2 ** 31 }), 'ERR_IMAGE_INVALID', '2147483648 bytes');
  });

  it('is a stream of a missing file, which fails before it is read without ending the process', async () => {
    const body = byteBodyOf(createReadStream(`${THIS}.missing`))!;
    await sleep(20);
    await expectError(() => body.read(), 'ERR_IMAGE_NOT_FOUND', '.missing', 'ENOENT');
  });

  it('is what gives something else than bytes', async () => {
    await expectError(() => read(createReadStream(THIS, 'utf8')), 'ERR_IMAGE_INVALID', 'without an encoding');
    await expectError(() => read(chunks([new Blob([])])), 'ERR_IMAGE_INVALID', 'Blob', 'use `stream`');
    await expectError(() => read(chunks([1])), 'ERR_IMAGE_INVALID', 'gives 1');
  });

  it('is a stream without an end, which is ended', async () => {
    const chunk = new Uint8Array(2 ** 24);
    let given = 0;
    let ended = false;
    async function* endless() {
      try {
        for (; ; given += chunk.length) yield chunk;
      } finally {
        ended = true;
      }
    }
    await expectError(() => read(endless()), 'ERR_IMAGE_INVALID', `more than ${LARGEST_STREAM} bytes`);
    expect(given).toBe(LARGEST_STREAM);
    await sleep(1);
    expect(ended).toBe(true);
    const node = new Readable({ read: () => void node.push(chunk), highWaterMark: 1 });
    await expectError(() => read(node), 'ERR_IMAGE_INVALID', 'more than');
    await sleep(1);
    expect(node.destroyed).toBe(true);
  });
});

describe('an abort', () => {
  it('ends the waiting for a chunk, and the source', async () => {
    const never = () => new Promise<never>(() => {});
    let cancelled = 0;
    const web = () => new ReadableStream({ pull: never, cancel: () => void cancelled++ });
    const node = new Readable({ read() {} });
    const silent = { size: 1, type: '', arrayBuffer: never };
    for (const source of [
      web(),
      new Response(web()),
      node,
      silent,
      { [Symbol.asyncIterator]: () => ({ next: never }) },
    ]) {
      const controller = new AbortController();
      const reading = read(source, controller.signal);
      setTimeout(() => controller.abort(), 10);
      await expectError(() => reading, 'ERR_ABORTED');
    }
    await sleep(1);
    expect(cancelled).toBe(2);
    expect(node.destroyed).toBe(true);
  });

  it('gets its turn while a source always has a chunk ready', async () => {
    async function* empty() {
      for (;;) yield new Uint8Array(0);
    }
    await expectError(() => read(empty(), AbortSignal.timeout(20)), 'ERR_ABORTED');
  });
});
