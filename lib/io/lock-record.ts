import { randomBytes } from 'node:crypto';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { jsonRecord } from '../common/json-record.ts';
import { textOf } from '../common/of-type.ts';
import { isMissing, openRegular, readRange } from './regular-file.ts';

/** Who made a lock file. */
export interface LockRecord {
  readonly pid: number;
  readonly host: string;
  /**
   * Where `pid` names this process and no other: the kernel's start and the namespace of process numbers; null where the system does
   * not say. Containers share host names and numbers, and two machines may have one name.
   */
  readonly place: string | null;
  /** When the process began, as the kernel counts: a number is given to another process one day. */
  readonly born: string | null;
  /** 16 hexadecimal digits, other ones for each lock. */
  readonly token: string;
}

/** A lock file as it was found. */
export interface FoundLock {
  /** null: unreadable, or not written yet. */
  readonly record: LockRecord | null;
  /** Another one each time that the file is touched. */
  readonly state: string;
}

const LONGEST = 4096;

export async function newRecord(): Promise<LockRecord> {
  return {
    pid: process.pid,
    host: hostname(),
    place: await ownPlace(),
    born: (await lifeOf(process.pid))?.born ?? null,
    token: randomBytes(8).toString('hex'),
  };
}

/** Nothing where there is no such file. @throws what the file system answers otherwise */
export async function readLock(path: string): Promise<FoundLock | undefined> {
  try {
    const { mtimeMs, ino, size } = await lstat(path);
    const text = await readText(path);
    return { record: recordOf(text), state: [ino, size, mtimeMs, text].join() };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Empty for what is no ordinary file. */
async function readText(path: string): Promise<string> {
  try {
    // Opened each time: network file systems look at the file anew then.
    const { file } = await openRegular(path, { noFollow: true });
    try {
      return Buffer.from(await readRange(file, 0, LONGEST)).toString('utf8');
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

/** What anybody may have written. The token becomes part of a file's name. */
function recordOf(text: string): LockRecord | null {
  const value = jsonRecord(text);
  if (!value) return null;
  const { pid, host, place, born, token } = value;
  if (!Number.isSafeInteger(pid) || (pid as number) < 1 || typeof host !== 'string') return null;
  if (typeof token !== 'string' || !/^[0-9a-f]{16}$/.test(token)) return null;
  return { pid: pid as number, host, place: textOf(place), born: textOf(born), token };
}

/** Whether the process is known to have ended; false where that can't be seen from here. */
export async function hasEnded({ pid, place, born }: LockRecord): Promise<boolean> {
  if (place === null || place !== (await ownPlace())) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const life = await lifeOf(pid);
  return life !== undefined && (life.isOver || (born !== null && life.born !== born));
}

async function ownPlace(): Promise<string | null> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${boot.trim()} ${await readlink('/proc/self/ns/pid')}`;
  } catch {
    return null;
  }
}

/** By /proc/PID/stat: `PID (NAME) STATE …`, where NAME may hold anything; field 22 is the start. Nothing where it can't be read. */
async function lifeOf(pid: number): Promise<{ readonly isOver: boolean; readonly born: string | null } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { isOver: ['Z', 'X'].includes(fields[0]!), born: fields[19] ?? null };
}
