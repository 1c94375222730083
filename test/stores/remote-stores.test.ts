import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../lib/stores/open-store.ts';
import { s3Package } from '../../lib/stores/s3-client.ts';
import { temporaryFolder } from '../cli/harness.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noise } from '../helpers/model-builder.ts';
import { deadOrigin, setEnvironment, type TestServer } from './faulty-server.ts';
import { BUCKET, s3Server } from './s3-server.ts';
import { webServer } from './web-server.ts';

interface Place {
  readonly server: TestServer;
  readonly location: string;
  /** What is there, by name. */
  readonly names: () => Promise<string[]>;
  readonly get: (name: string) => Promise<Buffer>;
}

async function onS3(): Promise<Place> {
  const server = await s3Server();
  return {
    server,
    location: `s3://${BUCKET}/some/prefix`,
    names: async () => [...server.objects.keys()].map(key => key.replace('some/prefix/', '')).sort(),
    get: async name => server.objects.get(`some/prefix/${name}`)!,
  };
}

async function onWeb(options: { readonly folders?: boolean } = {}): Promise<Place> {
  const server = await webServer(options);
  return {
    server,
    location: `${server.origin}/some/prefix?sig=SECRET`,
    names: async () =>
      [...server.files.keys()].map(path => decodeURIComponent(path.replace('/some/prefix/', ''))).sort(),
    get: async name => server.files.get(`/some/prefix/${name.split('/').map(encodeURIComponent).join('/')}`)!,
  };
}

describe.each([
  ['S3', onS3],
  ['the web', onWeb],
  ['WebDAV', () => onWeb({ folders: true })],
])('results on %s', (_, open) => {
  it('lie below the place, whatever their names, and nothing else does', async () => {
    const { location, names, get } = await open();
    const store = openStore(location);
    const undo = await store.prepare();
    await store.put('sub/ä b+c%41#?&.npy', [Uint8Array.of(1), Uint8Array.of(2, 3)]);
    await store.put('text', 'text');
    await store.put('text', 'text again');
    await undo();
    expect(await names()).toEqual(['sub/ä b+c%41#?&.npy', 'text']);
    expect([...(await get('sub/ä b+c%41#?&.npy'))]).toEqual([1, 2, 3]);
    expect((await get('text')).toString()).toBe('text again');
    await store.remove('text');
    await store.remove('text');
    expect(await names()).toEqual(['sub/ä b+c%41#?&.npy']);
  });

  it('come from files and go to files, large ones in pieces', async () => {
    const { location, get } = await open();
    const store = openStore(location);
    const folder = temporaryFolder();
    const large = Buffer.from(noise([5 * 2 ** 20], 3).data.buffer);
    writeFileSync(join(folder, 'large'), large);
    writeFileSync(join(folder, 'empty'), '');
    await store.putFile('sub/large', join(folder, 'large'));
    await store.putFile('empty', join(folder, 'empty'));
    expect((await get('sub/large')).equals(large)).toBe(true);
    expect((await get('empty')).length).toBe(0);
    expect(await store.getFile('sub/large', join(folder, 'back'))).toBe(true);
    expect(readFileSync(join(folder, 'back')).equals(large)).toBe(true);
    expect(await store.getFile('none', join(folder, 'none'))).toBe(false);
    expect(readdirSync(folder).sort()).toEqual(['back', 'empty', 'large']);
  });

  it('are found again', async () => {
    const { location } = await open();
    const store = openStore(location);
    for (const name of ['a', 'sub/ä b+c%41.npy', 'sub/z']) await store.put(name, 'x');
    const look = store.presence();
    const asked = ['a', 'b', 'sub', 'sub/', 'sub/ä b+c%41.npy', 'sub/ä b', 'sub/z', 'zz'];
    expect(await Promise.all(asked.map(name => look.has(name)))).toEqual(
      asked.map(name => ['a', 'sub/ä b+c%41.npy', 'sub/z'].includes(name)),
    );
  });

  it('get there where every third request fails', async () => {
    const { location, server, names, get } = await open();
    const store = openStore(location);
    server.fate = (_, count) => (count % 3 === 1 ? 503 : 'pass');
    const wanted = Array.from({ length: 12 }, (_, i) => `${10 + i}.npy`);
    await store.prepare();
    for (const name of wanted) await store.put(name, name);
    expect(await names()).toEqual(wanted);
    const path = join(temporaryFolder(), 'back');
    await store.getFile('15.npy', path);
    expect(readFileSync(path, 'utf8')).toBe('15.npy');
    expect((await get('15.npy')).toString()).toBe('15.npy');
  });

  it('come back whole where the server breaks off once', async () => {
    const { location, server } = await open();
    const store = openStore(location);
    const content = 'whole '.repeat(10_000);
    await store.put('text', content);
    let cut = 0;
    server.fate = ({ method }) => (method === 'GET' && cut++ === 0 ? 'cut' : 'pass');
    const path = join(temporaryFolder(), 'back');
    expect(await store.getFile('text', path)).toBe(true);
    expect(cut).toBe(2);
    expect(readFileSync(path, 'utf8')).toBe(content);
  });

  it('are refused with the reason, and without secrets', async () => {
    const { location, server } = await open();
    const store = openStore(location);
    server.fate = () => 403;
    const error = await expectError(() => store.prepare(), 'ERR_OUTPUT', 'some/prefix/', /no permission/);
    await expectError(() => store.put('cat.npy', 'x'), 'ERR_OUTPUT', 'prefix/cat.npy', /no permission \(.*403/);
    await expectError(() => store.presence().has('cat.npy'), 'ERR_OUTPUT', /403/);
    await expectError(() => store.getFile('cat.npy', join(temporaryFolder(), 'x')), 'ERR_OUTPUT', /cannot read .*403/);
    expect(error.message + store.location + store.pathOf('cat')).not.toMatch(/SECRET|S3RVER/);
  });

  it('are not waited for where the server hangs', async () => {
    const { location, server } = await open();
    setEnvironment({ ONNX_CAM_NETWORK_TIMEOUT: '0.1', AWS_MAX_ATTEMPTS: '2' });
    const store = openStore(location);
    server.fate = () => 'hang';
    await expectError(() => store.put('cat.npy', 'x'), 'ERR_OUTPUT', /silent/);
    expect(server.requests.length).toBeGreaterThan(1);
  });

  it('say where nobody answers', async () => {
    const { location, server } = await open();
    const dead = await deadOrigin();
    setEnvironment({ AWS_ENDPOINT_URL: dead, AWS_MAX_ATTEMPTS: '2' });
    const store = openStore(location.replace(server.origin, dead));
    await expectError(() => store.prepare(), 'ERR_OUTPUT', /cannot be reached.*ECONNREFUSED/);
  });
});

describe('results on S3', () => {
  it('say that there is no bucket, no credentials, no such key', async () => {
    await s3Server();
    await expectError(() => openStore('s3://none/x').prepare(), 'ERR_OUTPUT', /no bucket "none"/);
    setEnvironment({ AWS_ACCESS_KEY_ID: 'UNKNOWN', ONNX_CAM_NETWORK_TIMEOUT: '29' });
    await expectError(
      () => openStore(`s3://${BUCKET}/x`).prepare(),
      'ERR_OUTPUT',
      /credentials are not accepted \(InvalidAccessKeyId\)/,
    );
    setEnvironment({
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SHARED_CREDENTIALS_FILE: join(temporaryFolder(), 'none'),
      AWS_CONFIG_FILE: join(temporaryFolder(), 'none'),
      ONNX_CAM_NETWORK_TIMEOUT: '28',
    });
    await expectError(
      () => openStore(`s3://${BUCKET}/x`).prepare(),
      'ERR_OUTPUT',
      /no credentials; set AWS_ACCESS_KEY_ID/,
    );
  });

  it('need packages that are installed for them alone', async () => {
    const missing = 'onnx-cam-package-that-nobody-has';
    await expectError(
      () => s3Package(() => import(missing)),
      'ERR_USAGE',
      'npm install @aws-sdk/client-s3@3 @aws-sdk/lib-storage@3',
    );
  });

  it('are listed once for a thousand names that are asked for in their order', async () => {
    const server = await s3Server();
    const store = openStore(`s3://${BUCKET}`);
    const wanted = Array.from({ length: 1300 }, (_, i) => `sub/${1000 + i}.map.npy`);
    for (const name of wanted) server.objects.set(name, Buffer.from('x'));
    const look = store.presence();
    for (const name of wanted) expect(await look.has(name)).toBe(true);
    expect(await look.has('sub/1000.map.np')).toBe(false);
    expect(await look.has('sub/9')).toBe(false);
    expect(server.requests.length).toBeLessThanOrEqual(3);
  });
});

describe('results on the web', () => {
  it('go with the password of the address, which nobody else gets to see', async () => {
    const server = await webServer();
    const seen: (string | undefined)[] = [];
    server.answer = asked => {
      seen.push(asked.headers.authorization);
      return false;
    };
    const store = openStore(server.origin.replace('http://', 'http://me:p%40ss@'));
    await store.put('text', 'x');
    expect(seen).toEqual([`Basic ${Buffer.from('me:p@ss').toString('base64')}`]);
    expect(store.pathOf('text')).toBe(`${server.origin}/text`);
    server.fate = () => 401;
    const error = await expectError(() => store.put('text', 'x'), 'ERR_OUTPUT', /401/);
    expect(error.message).not.toContain('p%40ss');
  });

  it('may take long to get there, as long as they move', async () => {
    const server = await webServer();
    setEnvironment({ ONNX_CAM_NETWORK_TIMEOUT: '0.6' });
    let read = 0;
    server.answer = (asked, answer) => {
      asked.on('data', chunk => {
        read += chunk.length;
        asked.pause();
        setTimeout(() => asked.resume(), chunk.length / 15_000);
      });
      asked.on('end', () => answer.writeHead(201).end());
      return true;
    };
    const path = join(temporaryFolder(), 'large');
    writeFileSync(path, Buffer.alloc(2 ** 25));
    await openStore(server.origin).putFile('large', path);
    expect(read).toBe(2 ** 25);
    expect(server.requests).toEqual(['PUT /large']);
  });

  it('are not written by detours', async () => {
    const server = await webServer();
    server.answer = (_, answer) => {
      answer.writeHead(307, { location: 'https://elsewhere.example/secret?sig=SECRET' }).end();
      return true;
    };
    const error = await expectError(
      () => openStore(server.origin).put('text', 'x'),
      'ERR_OUTPUT',
      'https://elsewhere.example;',
    );
    expect(error.message).not.toMatch(/secret/i);
  });

  it('are found by servers that know no HEAD', async () => {
    const server = await webServer();
    server.fate = ({ method }) => (method === 'HEAD' ? 405 : 'pass');
    const store = openStore(server.origin);
    await store.put('text', 'x');
    expect(await store.presence().has('text')).toBe(true);
    expect(await store.presence().has('none')).toBe(false);
  });
});

describe('addresses that are none', () => {
  it.each(['https://', 's3:///key', 'http://[', 's3://'])('%s is refused', async location => {
    await expectError(() => openStore(location), 'ERR_OUTPUT', /no valid address/);
    expect(existsSync(location)).toBe(false);
  });
});
