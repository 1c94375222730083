import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { ServeState } from '../../lib/serve/api.ts';
import { residualModel } from '../helpers/small-models.ts';
import { temporaryFolder } from './harness.ts';

const COMMAND = resolve('dist/cli/main.js');

/** Milliseconds; a second on a machine that does nothing else. */
const MOMENT = 4000;

interface Started {
  readonly child: ChildProcess;
  readonly folder: string;
  /** Where temporary files go. */
  readonly temporary: string;
  readonly text: { stdout: string; stderr: string };
  readonly ended: Promise<number | null>;
}

function start(argv: readonly string[], node: readonly string[] = []): Started {
  const folder = temporaryFolder();
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  writeFileSync(join(folder, 'net.onnx'), residualModel());
  const child = spawn(process.execPath, [...node, COMMAND, 'serve', ...argv], {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary },
  });
  const text = { stdout: '', stderr: '' };
  child.stdout!.on('data', chunk => (text.stdout += chunk));
  child.stderr!.on('data', chunk => (text.stderr += chunk));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, folder, temporary, text, ended: once(child, 'close').then(([code]) => code) };
}

async function addressOf({ child, text }: Started): Promise<string> {
  while (!text.stdout.includes('\n')) {
    if (child.exitCode !== null) throw new Error(text.stderr);
    await new Promise(done => setTimeout(done, 20));
  }
  return text.stdout.trimEnd();
}

async function stateOf(address: string): Promise<ServeState> {
  const url = new URL(address);
  const headers = { authorization: `Bearer ${url.searchParams.get('token')}` };
  return (await fetch(new URL('/api/state', url), { headers })).json() as Promise<ServeState>;
}

test.each(['SIGINT', 'SIGTERM'] as const)('prints its address, and ends on %s within a second', async signal => {
  const started = start(['net.onnx', '--port', '0', '--mean', '0.5,0.5,0.5', '--std', '1,1,1']);
  const address = await addressOf(started);
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}$/);
  expect((await stateOf(address)).models).toMatchObject([{ name: 'net.onnx' }]);
  expect(readdirSync(started.temporary)).toHaveLength(1);
  const begun = performance.now();
  started.child.kill(signal);
  expect(await started.ended).toBe(0);
  expect(performance.now() - begun).toBeLessThan(MOMENT);
  expect(started.text.stderr).toBe(
    'open this address in a browser; Ctrl-C ends the server and removes what was uploaded\n',
  );
  expect(readdirSync(started.temporary)).toEqual([]);
});

test('ends while it works, with an open connection', async () => {
  const started = start(['--port', '0']);
  const url = new URL(await addressOf(started));
  const headers = { authorization: `Bearer ${url.searchParams.get('token')}` };
  const post = async (path: string, name: string, data: Uint8Array) => {
    const form = new FormData();
    form.append('file', new Blob([data as never]), name);
    return (await fetch(new URL(path, url), { method: 'POST', headers, body: form })).json() as Promise<{ id: string }>;
  };
  const model = await post('/api/models', 'net.onnx', residualModel());
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="20" height="9"/></svg>';
  const picture = await post('/api/pictures', 'a.svg', new TextEncoder().encode(svg));
  const body = JSON.stringify({
    model: model.id,
    picture: picture.id,
    method: 'rise',
    technique: 'sess,smoothgrad,augmentation',
  });
  const asked = await fetch(new URL('/api/explanations', url), {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body,
  });
  expect(asked.status).toBe(200);
  const begun = performance.now();
  started.child.kill('SIGINT');
  expect(await started.ended).toBe(0);
  expect(performance.now() - begun).toBeLessThan(MOMENT);
  expect(readdirSync(started.temporary)).toEqual([]);
  await asked.text().catch(() => {});
});

test('a port that is taken', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const started = start(['--port', String(port)]);
  expect(await started.ended).toBe(2);
  expect(started.text).toEqual({
    stdout: '',
    stderr: `onnx-cam: ERR_USAGE: port ${port} of 127.0.0.1 is taken, perhaps by another onnx-cam serve: give another --port; --port 0 takes a free one\n`,
  });
  expect(readdirSync(started.temporary)).toEqual([]);
});

test.each([
  [['--port', 'x'], /ERR_USAGE: .*--port.*from 0 to 65535/],
  [['--port', '70000'], /ERR_USAGE: .*--port.*from 0 to 65535/],
  [['--host', '192.0.2.1', '--port', '0'], /ERR_USAGE: 192\.0\.2\.1 is no address of this machine/],
  [['missing.onnx', '--port', '0'], /ERR_MODEL_NOT_FOUND: .*missing\.onnx/],
  [['a.onnx', 'b.onnx'], /ERR_USAGE: too many arguments/],
  [['net.onnx', '--port', '0', '--labels', 'none.txt'], /ERR_OPTION_INVALID: .*none\.txt/],
])('serve %j is refused', async (argv, message) => {
  const started = start(argv);
  expect(await started.ended).toBe(2);
  expect(started.text.stderr).toMatch(message);
  expect(started.text.stdout).toBe('');
  expect(existsSync(started.temporary) && readdirSync(started.temporary)).toEqual([]);
});

test.each(['fastify', '@fastify/static', '@fastify/multipart'])('without %s it says what to install', async name => {
  const loader = `export async function resolve(specifier, context, next) {
  if (specifier === '${name}') throw Object.assign(new Error("Cannot find package '${name}'"), { code: 'ERR_MODULE_NOT_FOUND' });
  return next(specifier, context);
}`;
  const hook = `import { register } from 'node:module';
register('data:text/javascript,${encodeURIComponent(loader).replaceAll("'", '%27')}');`;
  const hooks = join(temporaryFolder(), 'hooks.mjs');
  writeFileSync(hooks, hook);
  const started = start(['--port', '0'], ['--import', pathToFileURL(hooks).href]);
  expect(await started.ended).toBe(2);
  expect(started.text.stderr).toBe(
    `onnx-cam: ERR_USAGE: onnx-cam serve needs packages that are installed for it alone: npm install fastify@5 @fastify/static@9 @fastify/multipart@10 (Cannot find package '${name}')\n`,
  );
});

test('says that others reach it, where they do', async () => {
  const started = start(['--port', '0', '--host', '0.0.0.0']);
  expect(await addressOf(started)).toMatch(/^http:\/\/127\.0\.0\.1:/);
  started.child.kill('SIGINT');
  expect(await started.ended).toBe(0);
  expect(started.text.stderr).toContain('onnx-cam: warning: other machines reach this page too, unencrypted');
});
