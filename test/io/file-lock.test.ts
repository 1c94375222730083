import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lockFile } from '../../lib/io/file-lock.ts';
import { newRecord } from '../../lib/io/lock-record.ts';

const scripts = mkdtempSync(join(tmpdir(), 'onnx-cam-lock-'));
const SCRIPT = join(scripts, 'holder.mjs');
const children: Holder[] = [];
let folder: string;
let path: string;

beforeAll(() =>
  build({
    input: fileURLToPath(new URL('holder.ts', import.meta.url)),
    platform: 'node',
    output: { file: SCRIPT },
    logLevel: 'warn',
  }),
);
afterAll(() => rmSync(scripts, { recursive: true }));
beforeEach(() => {
  folder = mkdtempSync(join(scripts, 'folder-'));
  path = join(folder, 'manifest.jsonl');
});
afterEach(async () => {
  for (const child of children.splice(0)) await child.kill('SIGKILL');
});

type Answer = 'held' | 'lost' | 'released' | { readonly code: string; readonly message: string };

/** A process that does with the lock what it's told. */
class Holder {
  readonly #process: ChildProcess = fork(SCRIPT, { stdio: 'inherit' });

  constructor() {
    children.push(this);
  }

  get pid(): number {
    return this.#process.pid!;
  }

  async ask(what: 'lock' | 'isHeld' | 'release', patience = 10_000): Promise<Answer> {
    this.#process.send({ what, path, patience });
    const [answer] = await once(this.#process, 'message');
    return answer as Answer;
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  async kill(name: NodeJS.Signals): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const closed = once(this.#process, 'close');
    this.signal(name);
    await closed;
  }
}

const lockPath = () => join(folder, '.manifest.jsonl.lock');
const files = () => readdirSync(folder).sort();
const elapsed = async (work: Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work;
  return performance.now() - start;
};

describe('a lock', () => {
  it('is held by one process, refused to others with who holds it, and free again afterwards', async () => {
    const [first, second] = [new Holder(), new Holder()];
    expect(await first.ask('lock')).toBe('held');
    expect(files()).toEqual(['.manifest.jsonl.lock']);
    expect(JSON.parse(readFileSync(lockPath(), 'utf8'))).toMatchObject({ pid: first.pid, host: hostname() });
    expect(await second.ask('lock')).toEqual({
      code: 'ERR_OUTPUT',
      message: `another onnx-cam process (pid ${first.pid} on ${hostname()}) is writing manifest.jsonl in ${folder}: take another --out, or --shard for several processes`,
    });
    expect(await first.ask('isHeld')).toBe('held');
    expect(await first.ask('release')).toBe('released');
    expect(files()).toEqual([]);
    expect(await second.ask('lock')).toBe('held');
  });

  it('is refused within this process too', async () => {
    const lock = await lockFile(path, { patience: 1000 });
    await expect(lockFile(path, { patience: 1000 })).rejects.toMatchObject({ code: 'ERR_OUTPUT' });
    expect(await lock.isHeld()).toBe(true);
    await lock.release();
  });

  it('of a process that was killed is taken over at once', async () => {
    const first = new Holder();
    await first.ask('lock');
    await first.kill('SIGKILL');
    expect(files()).toEqual(['.manifest.jsonl.lock']);
    let lock: Awaited<ReturnType<typeof lockFile>> | undefined;
    const took = await elapsed(lockFile(path).then(taken => (lock = taken)));
    // Elsewhere nobody knows whose number it was.
    if (process.platform === 'linux') expect(took).toBeLessThan(2000);
    expect(await lock!.isHeld()).toBe(true);
    await lock!.release();
    expect(files()).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')(
    'of a process that stands still is taken over, and it learns so',
    async () => {
      const first = new Holder();
      expect(await first.ask('lock', 1000)).toBe('held');
      first.signal('SIGSTOP');
      const lock = await lockFile(path, { patience: 1000 });
      first.signal('SIGCONT');
      expect(await first.ask('isHeld')).toBe('lost');
      expect(await first.ask('release')).toBe('released');
      expect(await lock.isHeld()).toBe(true);
      await lock.release();
      expect(files()).toEqual([]);
    },
  );

  it.each([
    ['another machine', { host: 'elsewhere', place: 'boot pid:[1]' }],
    ['a container that shares the host name and the number', { place: 'boot pid:[1]', pid: process.pid }],
    ['a system that says little', { place: null, born: null }],
  ])('of %s is watched: unchanged it is taken over, touched it is held', async (_, changes) => {
    const record = { ...(await newRecord()), pid: 2 ** 22 + 1, ...changes };
    writeFileSync(lockPath(), JSON.stringify(record));
    let lock: Awaited<ReturnType<typeof lockFile>> | undefined;
    expect(await elapsed(lockFile(path, { patience: 500 }).then(taken => (lock = taken)))).toBeGreaterThan(450);
    await lock!.release();
    writeFileSync(lockPath(), JSON.stringify(record));
    setTimeout(() => utimesSync(lockPath(), new Date(0), new Date(0)), 200);
    await expect(lockFile(path, { patience: 1000 })).rejects.toThrow(`pid ${record.pid} on ${record.host}`);
  });

  it.skipIf(process.platform !== 'linux')(
    'of a number that another process has by now is taken over at once',
    async () => {
      const record = await newRecord();
      writeFileSync(lockPath(), JSON.stringify({ ...record, born: `${Number(record.born) - 1}` }));
      const lock = lockFile(path);
      expect(await elapsed(lock)).toBeLessThan(2000);
      await (await lock).release();
    },
  );

  it('that is dead goes to one of two takers', async () => {
    const takers = [new Holder(), new Holder()] as const;
    const record = { ...(await newRecord()), pid: 2 ** 22 + 1 };
    for (let round = 0; round < 20; round++) {
      writeFileSync(lockPath(), JSON.stringify(record));
      const answers = await Promise.all(takers.map(taker => taker.ask('lock', 1000)));
      expect(answers.filter(answer => answer === 'held')).toHaveLength(1);
      const holder = takers[answers.indexOf('held')]!;
      expect(answers.find(answer => answer !== 'held')).toMatchObject({
        message: expect.stringContaining(`pid ${holder.pid} `),
      });
      expect(await holder.ask('isHeld')).toBe('held');
      await holder.ask('release');
      expect(files()).toEqual([]);
    }
  });

  it('whose folder goes away is lost, and released without a word', async () => {
    const lock = await lockFile(path);
    rmSync(folder, { recursive: true });
    expect(await lock.isHeld()).toBe(false);
    await lock.release();
    await expect(lockFile(path)).rejects.toMatchObject({
      code: 'ERR_OUTPUT',
      message: expect.stringContaining(`the folder ${folder} does not exist`),
    });
  });

  it('is no hindrance where its taker was killed midway', async () => {
    const record = { ...(await newRecord()), pid: 2 ** 22 + 1 };
    writeFileSync(lockPath(), JSON.stringify(record));
    writeFileSync(`${lockPath()}.${record.token}`, JSON.stringify({ ...record, token: 'a'.repeat(16) }));
    await (await lockFile(path, { patience: 500 })).release();
    expect(files()).toEqual([]);
  });

  it.each([
    ['empty', () => writeFileSync(lockPath(), '')],
    ['of another program', () => writeFileSync(lockPath(), '{"pid":-1,"host":"h","token":"../../../etc"}')],
    ['a link', () => symlinkSync('nowhere', lockPath())],
  ])('file that is %s is taken over after a while', async (_, make) => {
    make();
    const lock = await lockFile(path, { patience: 300 });
    expect(await lock.isHeld()).toBe(true);
    await lock.release();
    expect(files()).toEqual([]);
  });

  it('cannot be had where a folder has its name', async () => {
    mkdirSync(lockPath());
    await expect(lockFile(path, { patience: 300 })).rejects.toMatchObject({ code: 'ERR_OUTPUT' });
    expect(files()).toEqual(['.manifest.jsonl.lock']);
  });

  it('is not waited for after an abort', async () => {
    writeFileSync(lockPath(), '');
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    await expect(lockFile(path, { signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });
});
