import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import * as library from '../../lib/index.ts';
import { readRemoteInput } from '../../lib/stores/read-input.ts';
import { readManifest, runHere } from '../cli/harness.ts';
import { expectError } from '../helpers/expect-error.ts';
import { deadOrigin, setEnvironment } from './faulty-server.ts';
import { explain, mapOf, prepareRemoteRun } from './remote-run.ts';
import { type WebServer, webServer } from './web-server.ts';

let picture: Buffer;
let array: Buffer;

beforeEach(async () => {
  ({ picture, array } = await prepareRemoteRun());
});

interface Line {
  readonly input: string;
  readonly error?: { readonly code: string };
  readonly files?: { readonly map: string };
}

/** What the manifest says of each input. */
const told = (folder = 'out'): Record<string, string> =>
  Object.fromEntries(
    readManifest(folder).results.map((line: Line) => [line.input, line.error?.code ?? line.files!.map]),
  );

describe('pictures on a web server', () => {
  let server: WebServer;
  beforeEach(async () => {
    server = await webServer();
    server.files.set('/a/cat.png', picture);
    server.files.set('/a/two.npy', array);
  });

  it('are explained as if they lay here', async () => {
    const { code, stderr } = await explain(
      'local.png',
      `${server.origin}/a/cat.png`,
      `${server.origin}/a/two.npy`,
      '-o',
      'out',
    );
    expect(code, stderr).toBe(0);
    expect(mapOf('cat').equals(mapOf('local'))).toBe(true);
    expect(Object.keys(told())).toEqual(['local.png', `${server.origin}/a/cat.png`, `${server.origin}/a/two.npy`]);
    expect(readManifest('out').results.map((line: Line) => line.files?.map)).toContain('two.1.grad-cam.map.npy');
    expect(server.requests.filter(one => one.startsWith('GET'))).toHaveLength(2);
  });

  it('are told apart by what follows the ?, which nobody gets to see', async () => {
    const signed = `${server.origin}/a/cat.png?X-Amz-Signature=SECRET&X-Amz-Expires=60`;
    const chosen = [1, 2].map(id => `${server.origin}/a/cat.png?id=${id}&token=SECRET`);
    const { code, stdout, stderr } = await explain(signed, ...chosen, '-o', 'out', '--json');
    expect(code, stderr).toBe(0);
    expect(server.requests).toContain('GET /a/cat.png?id=2&token=SECRET');
    const inputs = Object.keys(told());
    expect(inputs).toHaveLength(3);
    expect(inputs).toContain(`${server.origin}/a/cat.png`);
    expect(readFileSync('out/manifest.jsonl', 'utf8') + stdout + stderr).not.toMatch(/SECRET|id=/);
  });

  it('are those of a list too, and are not done again', async () => {
    const urls = [`${server.origin}/a/cat.png?sig=1`, `${server.origin}/a/none.png`, `${server.origin}/a/two.npy?v=3`];
    writeFileSync('list.txt', urls.join('\n'));
    const first = await explain('--inputs-from', 'list.txt', '-o', 'out');
    expect(first.code, first.stderr).toBe(1);
    expect(Object.values(told())).toContain('ERR_IMAGE_NOT_FOUND');
    server.requests.length = 0;
    // Signed anew.
    writeFileSync('list.txt', urls.join('\n').replace('sig=1', 'sig=2'));
    const again = await explain('--inputs-from', 'list.txt', '-o', 'out', '--resume');
    expect(again.stderr).toContain('3 inputs done before');
    expect(server.requests).toEqual([]);
    server.files.set('/a/none.png', picture);
    expect((await explain('--inputs-from', 'list.txt', '-o', 'out', '--retry-failed')).code).toBe(0);
    expect(server.requests).toEqual(['GET /a/none.png']);
  });

  it('each say what is wrong with them, and the others are explained', async () => {
    server.files.set('/text.png', Buffer.from('no picture'));
    server.files.set('/empty.png', Buffer.from(''));
    server.files.set('/page.npy', Buffer.from('<html>'));
    server.fate = ({ url }) => (url === '/secret.png' ? 403 : url === '/odd.png' ? 418 : 'pass');
    const dead = await deadOrigin();
    const bad: Record<string, [code: string, says: RegExp]> = {
      [`${server.origin}/none.png`]: ['ERR_IMAGE_NOT_FOUND', /no picture at .*none\.png: .*404/],
      [`${server.origin}/secret.png`]: ['ERR_IMAGE_INVALID', /no permission .*403/],
      [`${server.origin}/odd.png`]: ['ERR_IMAGE_INVALID', /418/],
      [`${server.origin}/text.png`]: ['ERR_IMAGE_INVALID', /text\.png/],
      [`${server.origin}/empty.png`]: ['ERR_IMAGE_INVALID', /empty/],
      [`${server.origin}/page.npy`]: ['ERR_IMAGE_INVALID', /page\.npy is not a readable \.npy file/],
      [`${dead}/dead.png`]: ['ERR_IMAGE_INVALID', /cannot be reached.*ECONNREFUSED/],
      'https://no-such-host.invalid/far.png': ['ERR_IMAGE_INVALID', /no-such-host\.invalid/],
      'http://[': ['ERR_IMAGE_INVALID', /no valid address/],
    };
    const { code, stdout } = await explain(...Object.keys(bad), `${server.origin}/a/cat.png`, '-o', 'out', '--json');
    expect(code).toBe(1);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    for (const [input, [code, says]] of Object.entries(bad)) {
      const { error } = lines.find(line => line.input === input);
      expect(error.code, input).toBe(code);
      expect(error.message).toMatch(says);
    }
    expect(lines.at(-1).files.map).toBe(join('out', 'cat.grad-cam.map.npy'));
  });

  it('come whole from a server that fails every third time, breaks off, or packs them', async () => {
    server.fate = (_, count) => (count % 3 === 0 ? 500 : count % 3 === 1 ? 'cut' : 'pass');
    expect((await explain(`${server.origin}/a/cat.png`, 'local.png', '-o', 'out')).code).toBe(0);
    expect(mapOf('cat').equals(mapOf('local'))).toBe(true);
    server.fate = () => 'pass';
    server.answer = (_, answer) => {
      const packed = gzipSync(picture);
      answer.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed);
      return true;
    };
    expect(Buffer.compare(await readRemoteInput({ path: `${server.origin}/x` }), picture)).toBe(0);
  });

  it('are waited for as long as the environment says, and until an interruption', async () => {
    server.fate = () => 'hang';
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const waiting = readRemoteInput({ path: `${server.origin}/a/cat.png` }, { signal: controller.signal });
    await expectError(() => waiting, 'ERR_ABORTED');
    setEnvironment({ ONNX_CAM_NETWORK_TIMEOUT: '0.05' });
    await expectError(
      () => readRemoteInput({ path: `${server.origin}/a/cat.png` }),
      'ERR_IMAGE_INVALID',
      /cat\.png cannot be read: the server was silent for 0.05 s/,
    );
    setEnvironment({ ONNX_CAM_NETWORK_TIMEOUT: 'soon' });
    await expectError(() => readRemoteInput({ path: `${server.origin}/a/cat.png` }), 'ERR_OPTION_INVALID', /"soon"/);
  });

  it('are waited for while bytes come, however slowly', async () => {
    setEnvironment({ ONNX_CAM_NETWORK_TIMEOUT: '0.3' });
    server.answer = (_, answer) => {
      answer.writeHead(200, { 'content-length': 6 });
      let sent = 0;
      const timer = setInterval(() => {
        answer.write('x');
        if (++sent < 6) return;
        clearInterval(timer);
        answer.end();
      }, 100);
      return true;
    };
    expect(Buffer.from(await readRemoteInput({ path: `${server.origin}/slow` })).toString()).toBe('xxxxxx');
  });

  it('are not fetched beyond the bound, whether their length is told or not', async () => {
    let sent = 0;
    server.answer = ({ url }, answer) => {
      if (url === '/told') answer.writeHead(200, { 'content-length': 2 ** 28 + 1 });
      answer.on('error', () => {});
      const more = () => {
        while (!answer.destroyed && answer.write(Buffer.alloc(2 ** 16))) sent += 2 ** 16;
      };
      answer.on('drain', more);
      more();
      return true;
    };
    const bound = /has 268435457 bytes; at most 268435456 are read/;
    await expectError(() => readRemoteInput({ path: `${server.origin}/told` }), 'ERR_IMAGE_INVALID', bound);
    await expectError(
      () => readRemoteInput({ path: `${server.origin}/untold` }, { most: 2 ** 20 }),
      'ERR_IMAGE_INVALID',
      /more than 1048576 bytes/,
    );
    expect(sent).toBeLessThan(2 ** 25);
  });

  it.each([
    ['file:///etc/passwd', /leads to a file: address/],
    ['ftp://host/x', /leads to a ftp: address/],
    ['http://[', /leads to no valid address/],
    ['/again', /leads on more than 5 times/],
  ])('are not looked for at %s, where the server leads', async (location, says) => {
    server.answer = (_, answer) => {
      answer.writeHead(302, { location }).end();
      return true;
    };
    await expectError(() => readRemoteInput({ path: `${server.origin}/cat.png` }), 'ERR_IMAGE_INVALID', says);
    expect(server.requests.length).toBeLessThanOrEqual(6);
  });

  it('are found where the server leads, and the password stays behind', async () => {
    const elsewhere = await webServer();
    elsewhere.files.set('/cat.png', picture);
    const seen: unknown[] = [];
    elsewhere.answer = asked => {
      seen.push(asked.headers.authorization);
      return false;
    };
    server.answer = (_, answer) => {
      answer.writeHead(302, { location: `${elsewhere.origin}/cat.png` }).end();
      return true;
    };
    const url = `${server.origin.replace('//', '//me:pass@')}/x`;
    expect(Buffer.compare(await readRemoteInput({ path: 'x', url }), picture)).toBe(0);
    expect(seen).toEqual([undefined]);
  });

  it('have names that every system takes, whatever their addresses say', async () => {
    const hostile = {
      '/..%2f..%2fetc%2fpasswd': 'passwd',
      '/%2e%2e%5c%00%0a%1b%5b2J.png': '___[2J',
      '/CON.png': '_CON',
      '/nul': '_nul',
      '/%e2%80%aecat.png%20.': '_cat',
      '/%ff.png': '%ff',
      '/a:b*c%3f.png': 'a_b_c_',
      '/.hidden.png': '_hidden',
      [`/${'long'.repeat(500)}.png`]: `${'long'.repeat(33)}l-`,
    };
    for (const path of Object.keys(hostile)) server.files.set(path, picture);
    const urls = Object.keys(hostile).map(path => server.origin + path);
    const { code, stderr } = await explain(...urls, '-o', 'out', '--save', 'map');
    expect(code, stderr).toBe(0);
    const files = told();
    for (const [i, name] of Object.values(hostile).entries()) expect(files[urls[i]!]).toMatch(name.slice(0, 130));
    for (const file of Object.values(files)) {
      expect(file).not.toMatch(/[\\/\p{Cc}\p{Cf}:*?]|^\.|\.\./u);
      expect(Buffer.byteLength(file)).toBeLessThan(200);
    }
  });

  it('are measured; evaluate wants files, and says so', async () => {
    await explain('local.png', '-o', 'out');
    const map = join('out', 'local.grad-cam.map.npy');
    const measure = (input: string) =>
      runHere(['measure', 'model.onnx', input, '--map', map, '--metric', 'average-drop', '--json'], { library });
    const [local, remote] = [await measure('local.png'), await measure(`${server.origin}/a/cat.png?sig=SECRET`)];
    expect(remote.code, remote.stderr).toBe(0);
    expect(JSON.parse(remote.stdout).value).toBe(JSON.parse(local.stdout).value);
    const evaluate = (...argv: string[]) => runHere(['evaluate', 'model.onnx', ...argv], { library });
    const refused = await evaluate(`${server.origin}/a/cat.png?sig=SECRET`, '-o', 'x');
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/ERR_USAGE: evaluate takes files/) });
    const nowhere = await evaluate('local.png', '-o', 's3://bucket/x');
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringMatching(/ERR_USAGE: evaluate writes to a folder/) });
    expect(refused.stderr + remote.stdout).not.toContain('SECRET');
  });

  it('are gone for a report, which fetches nothing', async () => {
    await explain(`${server.origin}/a/cat.png`, '-o', 'out');
    server.requests.length = 0;
    const { code, stderr } = await runHere(['report', 'out'], { library });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`the picture ${server.origin}/a/cat.png`);
    expect(server.requests).toEqual([]);
  });
});

describe('results on a web server', () => {
  it('go there, with the contact sheet', async () => {
    const server = await webServer({ folders: true });
    const argv = ['local.png', '-o', `${server.origin}/dav/out?sig=SECRET`, '--sheet'];
    const { code, stderr } = await explain(...argv);
    expect(code, stderr).toBe(0);
    expect([...server.files.keys()].sort()).toEqual([
      '/dav/out/contact-sheet.png',
      '/dav/out/local.grad-cam.map.npy',
      '/dav/out/local.grad-cam.overlay.png',
      '/dav/out/manifest.jsonl',
    ]);
    expect(stderr).toContain(`${server.origin}/dav/out/manifest.jsonl`);
    expect(stderr).not.toContain('SECRET');
    const again = await explain('local.png', '-o', `${server.origin}/dav/out`, '--resume');
    expect(again.stderr).toContain('1 input done before');
    server.files.delete('/dav/out/local.grad-cam.map.npy');
    await explain('local.png', '-o', `${server.origin}/dav/out`, '--resume');
    expect(server.files.has('/dav/out/local.grad-cam.map.npy')).toBe(true);
  });
});
