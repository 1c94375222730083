import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A queue's server of a test's own, which can be killed and started again with what it had on disk. */
export interface TestServer {
  readonly url: string;
  /** kill -9: nothing is put in order. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and files. */
  restart(): Promise<void>;
  /** Ends it, and removes its files. */
  stop(): Promise<void>;
}

export interface ServerKind {
  readonly name: string;
  /** Why there is none here. */
  readonly missing: string | undefined;
  start(): Promise<TestServer>;
}

const redisProgram = findProgram('redis-server') ?? findProgram('valkey-server');
const postgresFolder = findPostgres();

/** Debian's, or whatever is in PATH. With ONNX_CAM_SERVERS=required a missing one is an error instead of a skipped test. */
export const SERVERS: readonly ServerKind[] = [
  {
    name: 'redis',
    missing: reason(redisProgram, 'redis-server is not installed'),
    start: () => startRedis(redisProgram!),
  },
  {
    name: 'postgres',
    missing: reason(postgresFolder, 'PostgreSQL is not installed'),
    start: () => startPostgres(postgresFolder!),
  },
];

function reason(found: string | undefined, text: string): string | undefined {
  if (found !== undefined) return undefined;
  if (process.env.ONNX_CAM_SERVERS === 'required') throw new Error(`${text}, and ONNX_CAM_SERVERS=required`);
  return text;
}

function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map(folder => join(folder, name)).find(path => existsSync(path));
}

/** The folder of `initdb` and `postgres`, which Debian keeps out of PATH. */
function findPostgres(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map(version => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return folders.find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

async function startRedis(program: string): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-redis-'));
  const port = await freePort();
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes'];
  return keep(port, `redis://127.0.0.1:${port}`, folder, () => spawn(program, args, { stdio: 'ignore' }));
}

/** Under a password, so that it can be looked for in what is said. */
export const PASSWORD = 'gEhEim#1';

async function startPostgres(bin: string): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-postgres-'));
  const port = await freePort();
  const user = postgresUser();
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid!);
  chmodSync(folder, 0o700);
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, PASSWORD);
  const setUp = ['-D', data, '-U', 'cam', '-A', 'scram-sha-256', '--pwfile', passwordFile, '-E', 'UTF8', '--no-sync'];
  execFileSync(join(bin, 'initdb'), setUp, { stdio: 'ignore', cwd: folder, ...user });
  const args = ['-D', data, '-p', `${port}`, '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=`];
  const url = `postgres://cam:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`;
  return keep(port, url, folder, () =>
    spawn(join(bin, 'postgres'), args, { stdio: 'ignore', cwd: folder, detached: true, ...user }),
  );
}

/** PostgreSQL does not run as root. */
function postgresUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function keep(port: number, url: string, folder: string, start: () => ChildProcess): Promise<TestServer> {
  mkdirSync(folder, { recursive: true });
  let child = start();
  await answers(port, child);
  const end = async (signal: 'SIGKILL' | 'SIGTERM' | 'SIGQUIT') => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  return {
    url,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGKILL');
      // The postmaster's children notice its end a moment later.
      for (;;) {
        child = start();
        try {
          await answers(port, child);
          return;
        } catch {
          await sleep(200);
        }
      }
    },
    async stop() {
      await end('SIGKILL');
      await sleep(50);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** @throws when the server ends instead */
async function answers(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the server ended');
    if (await listens(port)) return;
    await sleep(50);
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
