import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { hasEnded, type LockRecord, newRecord, readLock } from './lock-record.ts';
import { outputError } from './output-error.ts';
import { createTemporary } from './temporary-file.ts';

/** Another process, which lives, writes the file. */
export class HeldFileError extends OnnxCamError {
  constructor(message: string) {
    super('ERR_OUTPUT', message);
  }
}

/** A file that this process alone writes. */
export interface FileLock {
  /** False when another process has taken over: this one was taken for dead, since it was stopped for long. */
  isHeld(): Promise<boolean>;
  /** Lets go; never throws. What another process has taken over meanwhile is left to it. */
  release(): Promise<void>;
}

interface Waiting {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds in which a lock of a living process changes, as it does five times. */
  readonly patience: number;
}

/** How often a lock is looked at before it is taken for a dead process'. Counted, so that a machine's sleep counts nothing. */
const LOOKS = 100;

/**
 * Makes this process the only one that writes a file, by a lock file beside it (`.NAME.lock`), which is touched while the process lives.
 * A lock whose process has ended is taken over: at once where that can be seen from here, else when it has not changed for `patience`
 * (10 s; no clocks are compared). Of several that find a dead one exactly one gets it.
 * @throws `ERR_OUTPUT`: a living process holds it, or no lock can be made; `ERR_ABORTED`
 */
export async function lockFile(path: string, { signal, patience = 10_000 }: Partial<Waiting> = {}): Promise<FileLock> {
  const lock = join(dirname(path), `.${basename(path)}.lock`);
  try {
    for (;;) {
      const taken = await take(lock, { signal, patience });
      if (taken instanceof Taken) return new HeldLock(taken, patience / 5);
      if (taken) throw refused(path, taken.holder);
    }
  } catch (cause) {
    if (cause instanceof OnnxCamError) throw cause;
    throw outputError(lock, cause as NodeJS.ErrnoException);
  }
}

function refused(path: string, holder: LockRecord | null): HeldFileError {
  const who = holder ? ` (pid ${holder.pid} on ${holder.host})` : '';
  return new HeldFileError(
    `another onnx-cam process${who} is writing ${basename(path)} in ${dirname(path)}: take another --out, or --shard for several processes`,
  );
}

/** A lock file of this process. */
class Taken {
  readonly path: string;
  readonly file: FileHandle;
  readonly token: string;

  constructor(path: string, file: FileHandle, token: string) {
    this.path = path;
    this.file = file;
    this.token = token;
  }

  async isThere(): Promise<boolean> {
    return (await readLock(this.path))?.record?.token === this.token;
  }

  async remove(): Promise<void> {
    await this.file.close();
    if (await this.isThere()) await rm(this.path, { force: true });
  }
}

/** @returns who holds it, or undefined where something has changed: then it's tried again */
async function take(
  path: string,
  waiting: Waiting,
): Promise<Taken | { readonly holder: LockRecord | null } | undefined> {
  const { signal, patience } = waiting;
  throwIfAborted(signal);
  const made = await create(path);
  if (made) return made;
  const found = await readLock(path);
  if (!found) return undefined;
  const { record } = found;
  if (!record || !(await hasEnded(record))) {
    for (let look = 0; look < LOOKS; look++) {
      await sleep(patience / LOOKS, undefined, { signal: signal! }).catch(() => throwIfAborted(signal));
      const now = await readLock(path);
      if (!now) return undefined;
      if (now.state !== found.state) return { holder: now.record };
    }
  }
  // Whoever changes a lock holds the claim to it, a file named after its token, and looks again before: so it's still the dead one's.
  const claim = await take(claimOf(path, record), waiting);
  if (!(claim instanceof Taken)) return undefined;
  try {
    const now = await readLock(path);
    return now && now.record?.token === record?.token ? await replace(path) : undefined;
  } finally {
    await claim.remove();
  }
}

const claimOf = (path: string, record: Pick<LockRecord, 'token'> | null): string =>
  `${path}.${record?.token ?? 'unreadable'}`;

/** Nothing where there is one. */
async function create(path: string): Promise<Taken | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
  return written(path, path, file);
}

/** In one step. */
async function replace(path: string): Promise<Taken | undefined> {
  const { path: temporary, file } = await createTemporary(dirname(path));
  return written(path, temporary, file, () => rename(temporary, path));
}

/** Nothing where another process was taken for the owner meanwhile: this one was stopped before it had written. */
async function written(
  path: string,
  made: string,
  file: FileHandle,
  finish?: () => Promise<void>,
): Promise<Taken | undefined> {
  try {
    const record = await newRecord();
    await file.writeFile(`${JSON.stringify(record)}\n`);
    await finish?.();
    const taken = new Taken(path, file, record.token);
    if (await taken.isThere()) return taken;
    await file.close();
    return undefined;
  } catch (error) {
    await file.close();
    await rm(made, { force: true });
    throw error;
  }
}

class HeldLock implements FileLock {
  readonly #taken: Taken;
  readonly #timer: NodeJS.Timeout;

  /** @param beat milliseconds */
  constructor(taken: Taken, beat: number) {
    this.#taken = taken;
    this.#timer = setInterval(() => {
      const now = new Date();
      // By its handle: what another process has put in its place is not touched. What fails is tried again.
      taken.file.utimes(now, now).catch(() => {});
    }, beat).unref();
  }

  isHeld(): Promise<boolean> {
    return this.#taken.isThere().catch(() => false);
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    try {
      const claim = await create(claimOf(this.#taken.path, this.#taken));
      if (claim)
        try {
          if (await this.#taken.isThere()) await rm(this.#taken.path, { force: true });
        } finally {
          await claim.remove();
        }
    } catch {
      // The folder is gone, or the disk: nothing holds anything there.
    } finally {
      await this.#taken.file.close();
    }
  }
}
