import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { residualModel } from '../helpers/small-models.ts';
import { BUNDLED, CAT, type Client, errorOf, given, serve, until } from './harness.ts';

const model = (name = 'net.onnx') => ({ name, data: residualModel() });
const uploaded = ({ server }: Client) => readdirSync(server.folder);

test('too large an upload is refused, whether it says its size or not', async () => {
  const client = await serve({ limits: { model: 100_000, picture: 100_000 } });
  const big = { name: 'big.onnx', data: new Uint8Array(300_000) };
  expect(await errorOf(await client.post('/api/models', [big]))).toEqual({
    status: 413,
    code: 'ERR_MODEL_UNSUPPORTED',
    message: 'the model has more than 0.1 MB, the most that this server takes at once',
  });
  expect(await errorOf(await client.post('/api/pictures', [big]))).toMatchObject({
    status: 413,
    code: 'ERR_IMAGE_INVALID',
  });
  const error = await errorOf(await client.fetch('/api/models', streamed(40e6)));
  expect(error).toMatchObject({ status: 413, code: 'ERR_MODEL_UNSUPPORTED' });
  expect(uploaded(client)).toEqual([]);
  expect((await client.state()).limits).toEqual({ model: 100_000, picture: 100_000 });
});

test('a large upload takes no memory', async () => {
  const client = await serve();
  const before = process.memoryUsage.rss();
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5);
  const response = await client.fetch('/api/pictures', streamed(95e6));
  clearInterval(timer);
  // It lies on the disk when it is found to be no picture; reading it takes its size once.
  expect(await errorOf(response)).toMatchObject({ status: 422, code: 'ERR_IMAGE_INVALID' });
  expect(most - before).toBeLessThan(200e6);
});

test('an upload that stands still is given up', async () => {
  const client = await serve({ limits: { patience: 300 } });
  const { port, token } = client.server;
  const socket = connect(port, '127.0.0.1');
  const closed = once(socket, 'close');
  socket.on('error', () => {});
  socket.write(
    `POST /api/models HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${token}\r\ncontent-length: 1000000\r\n` +
      'content-type: multipart/form-data; boundary=B\r\n\r\n--B\r\ncontent-disposition: form-data; name="file"; filename="a.onnx"\r\n\r\nx',
  );
  await until(() => uploaded(client).length === 1);
  await closed;
  await until(() => uploaded(client).length === 0);
});

test('an upload that is cut off leaves nothing', async () => {
  const client = await serve();
  const { port, token } = client.server;
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST /api/models HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${token}\r\ncontent-length: 1000000\r\n` +
      'content-type: multipart/form-data; boundary=B\r\n\r\n--B\r\ncontent-disposition: form-data; name="file"; filename="a.onnx"\r\n\r\n' +
      'x'.repeat(50_000),
  );
  await until(() => uploaded(client).length === 1);
  socket.destroy();
  await until(() => uploaded(client).length === 0);
  expect((await client.addModel(model())).name).toBe('net.onnx');
});

test('a form that ends in the middle of a file is no upload', async () => {
  const client = await serve();
  const body = '--B\r\ncontent-disposition: form-data; name="file"; filename="a.onnx"\r\n\r\nabc';
  const response = await client.fetch('/api/models', {
    method: 'POST',
    body,
    headers: { 'content-type': 'multipart/form-data; boundary=B' },
  });
  expect(response.status).toBe(400);
  expect(uploaded(client)).toEqual([]);
});

test('what was used longest ago makes room, and is said to be gone', async () => {
  const client = await serve({
    limits: { models: { count: 2, bytes: 1e9 }, pictures: { count: 2, bytes: 1e9 } },
    model: given(BUNDLED),
  });
  const [first, second] = [await client.addModel(model('a.onnx')), await client.addModel(model('b.onnx'))];
  const picture = await client.addPicture();
  // Used again, it is not the next one to go.
  await client.explain({ model: first.id, picture: picture.id, method: 'grad-cam' });
  const third = await client.addModel(model('c.onnx'));
  expect((await client.state()).models.map(({ name }) => name)).toEqual([
    'efficientnet-lite0.onnx',
    'a.onnx',
    'c.onnx',
  ]);
  expect(await errorOf(await client.ask({ model: second.id, picture: picture.id, method: 'grad-cam' }))).toEqual({
    status: 404,
    code: 'ERR_MODEL_NOT_FOUND',
    message: 'the model b.onnx was removed to make room for others; upload it again',
  });
  await client.addPicture();
  await client.addPicture();
  expect(await errorOf(await client.ask({ model: third.id, picture: picture.id, method: 'grad-cam' }))).toMatchObject({
    status: 404,
    code: 'ERR_IMAGE_NOT_FOUND',
  });
  expect(uploaded(client)).toHaveLength(4);
});

test('bytes count too', async () => {
  const size = residualModel().length;
  const client = await serve({ limits: { models: { count: 8, bytes: 2.5 * size } } });
  for (const name of ['a.onnx', 'b.onnx', 'c.onnx']) await client.addModel(model(name));
  expect((await client.state()).models.map(({ name }) => name)).toEqual(['b.onnx', 'c.onnx']);
});

test('removing takes the files away; what the server was given stays', async () => {
  const client = await serve({ model: given(BUNDLED) });
  const remove = (path: string) => client.fetch(`/api/${path}`, { method: 'DELETE' });
  const [own] = (await client.state()).models;
  const [net, picture] = [await client.addModel(model()), await client.addPicture()];
  expect((await remove(`models/${net.id}`)).status).toBe(204);
  expect((await remove(`pictures/${picture.id}`)).status).toBe(204);
  expect(uploaded(client)).toEqual([]);
  expect(await errorOf(await remove(`models/${net.id}`))).toMatchObject({
    status: 404,
    message: /net\.onnx was removed/,
  });
  expect(await errorOf(await remove('pictures/none'))).toMatchObject({ status: 404, code: 'ERR_IMAGE_NOT_FOUND' });
  expect(await errorOf(await remove(`models/${own!.id}`))).toMatchObject({ status: 403, code: 'ERR_USAGE' });
  expect((await client.state()).models).toHaveLength(1);
});

test('uploads at once are bounded', async () => {
  const client = await serve({ limits: { uploads: 1 } });
  const stop = new AbortController();
  const slow = client.fetch('/api/models', { ...streamed(1e9), signal: stop.signal }).catch(() => {});
  await until(() => uploaded(client).length === 1);
  const refused = await client.post('/api/pictures', [CAT]);
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(await errorOf(refused)).toMatchObject({ status: 503, code: 'ERR_BUSY' });
  stop.abort();
  await slow;
  await until(() => uploaded(client).length === 0);
  expect((await client.addPicture()).name).toBe('cat.png');
});

test('closing removes the folder, and a start makes another one', async () => {
  const client = await serve();
  await client.addModel(model());
  const { folder } = client.server;
  await client.server.close();
  expect(existsSync(folder)).toBe(false);
  const next = await serve();
  expect(next.server.folder).not.toBe(folder);
  expect((await next.state()).models).toEqual([]);
});

/** Zeros as a file of a form, of no declared size. */
function streamed(bytes: number): RequestInit {
  const head = '--B\r\ncontent-disposition: form-data; name="file"; filename="zeros.onnx"\r\n\r\n';
  const piece = new Uint8Array(1 << 16);
  async function* body() {
    yield new TextEncoder().encode(head);
    for (let sent = 0; sent < bytes; sent += piece.length) yield piece;
    yield new TextEncoder().encode('\r\n--B--\r\n');
  }
  return {
    method: 'POST',
    body: ReadableStream.from(body()) as never,
    duplex: 'half',
    headers: { 'content-type': 'multipart/form-data; boundary=B' },
  } as RequestInit;
}
