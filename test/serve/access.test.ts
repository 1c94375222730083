import { expect, test } from 'vitest';
import { rawRequest, serve } from './harness.ts';

const ROUTES = [
  ['GET', '/'],
  ['GET', '/page.js'],
  ['GET', '/page.css'],
  ['GET', '/api/state'],
  ['POST', '/api/models'],
  ['POST', '/api/pictures'],
  ['POST', '/api/explanations'],
  ['DELETE', '/api/models/x'],
  ['DELETE', '/api/pictures/x'],
  ['GET', '/elsewhere'],
  ['OPTIONS', '/api/state'],
] as const;

test.each(ROUTES)('%s %s needs the token', async (method, path) => {
  const client = await serve();
  const { port, token } = client.server;
  const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
  for (const given of ['', wrong, `${token}A`, 'Ä']) {
    const headers = {
      host: `127.0.0.1:${port}`,
      ...(given && { authorization: `Bearer ${encodeURIComponent(given)}` }),
    };
    const { status, text, headers: said } = await rawRequest(port, { method, path, headers });
    expect({ status, text }).toEqual({ status: 401, text: expect.stringContaining('the token is missing or wrong') });
    expect(said['access-control-allow-origin']).toBeUndefined();
  }
});

test('the page is loaded by its address, all else by a header', async () => {
  const client = await serve();
  const { port, token, address } = client.server;
  expect(token).toMatch(/^[\w-]{32}$/);
  expect(address).toBe(`http://127.0.0.1:${port}/?token=${token}`);
  const page = await fetch(address);
  expect(page.status).toBe(200);
  const html = await page.text();
  for (const name of ['page.js', 'page.css']) {
    expect(html).toContain(`${name}?token=${token}`);
    const file = await fetch(`${client.base}/${name}?token=${token}`);
    expect(file.status).toBe(200);
    expect(file.headers.get('content-type')).toMatch(/javascript|css/);
    expect((await file.text()).length).toBeGreaterThan(1000);
  }
  expect(html).not.toMatch(/style=|<script>/);
  expect((await fetch(`${client.base}/api/state?token=${token}`)).status).toBe(401);
  expect((await fetch(`${client.base}/?token=${token}&token=${token}`)).status).toBe(401);
  expect((await client.fetch('/api/state')).status).toBe(200);
  expect((await fetch(`${client.base}/?token=x`)).headers.get('content-type')).toContain('text/html');
});

test('two starts have two tokens', async () => {
  const [a, b] = [await serve(), await serve()];
  expect(a.server.token).not.toBe(b.server.token);
  expect((await a.fetch('/api/state', { token: b.server.token })).status).toBe(401);
});

test('every answer has the headers that keep it where it belongs', async () => {
  const client = await serve();
  for (const response of [
    await fetch(client.server.address),
    await client.fetch('/api/state'),
    await client.fetch('/nowhere'),
    await client.fetch('/api/state', { token: 'wrong' }),
  ]) {
    const { headers } = response;
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  }
});

test('a name that leads here without being this server’s is refused', async () => {
  const { port, token } = (await serve()).server;
  const ask = (host: string) => rawRequest(port, { path: `/?token=${token}`, headers: { host } });
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`])
    expect((await ask(host)).status).toBe(200);
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
  ]) {
    const { status, text } = await ask(host);
    expect({ status, text }).toEqual({ status: 403, text: expect.stringContaining('this server is not called') });
  }
});

test('listening to all addresses takes addresses, but no names', async () => {
  const { port, token, address } = (await serve({ host: '0.0.0.0' })).server;
  expect(address).toBe(`http://127.0.0.1:${port}/?token=${token}`);
  const ask = async (host: string) => (await rawRequest(port, { path: `/?token=${token}`, headers: { host } })).status;
  expect(await ask(`192.168.1.7:${port}`)).toBe(200);
  expect(await ask(`evil.example:${port}`)).toBe(403);
});

test('pages of other origins write nothing', async () => {
  const client = await serve();
  const { port } = client.server;
  const ask = async (origin: string) =>
    (await client.fetch('/api/models/x', { method: 'DELETE', headers: { origin } })).status;
  expect(await ask(`http://127.0.0.1:${port}`)).toBe(404);
  for (const origin of ['http://evil.example', 'null', `https://127.0.0.1:${port}`, 'http://127.0.0.1:1'])
    expect(await ask(origin)).toBe(403);
});

test('what is not there is not there, nor outside the page’s folder', async () => {
  const client = await serve();
  for (const path of [
    '/index.js',
    '/../package.json',
    '/%2e%2e/package.json',
    '/page.js/',
    '/page.js%00',
    '/web/page.js',
  ]) {
    const { status } = await client.fetch(path);
    expect([400, 404]).toContain(status);
  }
});
