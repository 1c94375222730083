import { randomBytes } from 'node:crypto';
import type { ErrorCode } from '../common/errors.ts';
import { Refusal } from './refusal.ts';

/** Something that was uploaded. */
export interface Held {
  readonly id: string;
  /** The file's. */
  readonly name: string;
  readonly bytes: number;
  /** Not for making room, nor by a request. */
  readonly isFixed: boolean;
  /** Whether something is made of it just now. */
  readonly isBusy: boolean;
  /** Frees all that it takes. */
  discard(): Promise<void>;
}

export interface ShelfLimits {
  readonly count: number;
  /** Of all together. */
  readonly bytes: number;
}

/** How many that are gone are remembered, to say so. */
const REMEMBERED = 1000;

export const makeId = (): string => randomBytes(9).toString('base64url');

/** Keeps what was used last. */
export class Shelf<T extends Held> {
  readonly #noun: string;
  readonly #code: ErrorCode;
  readonly #limits: ShelfLimits;
  /** In the order of coming. */
  readonly #held = new Map<string, T>();
  /** The same, used longest ago first. */
  readonly #used = new Set<string>();
  /** Why what has this id is no more there. */
  readonly #gone = new Map<string, string>();

  /** @param code of what isn't there */
  constructor(noun: string, code: ErrorCode, limits: ShelfLimits) {
    this.#noun = noun;
    this.#code = code;
    this.#limits = limits;
  }

  get all(): readonly T[] {
    return [...this.#held.values()];
  }

  /** @throws Refusal where it isn't, or no more, there */
  use(id: string): T {
    const found = this.#held.get(id);
    if (!found) throw new Refusal(404, this.#code, this.#gone.get(id) ?? `there is no ${this.#noun} of this id`);
    this.#used.delete(id);
    this.#used.add(id);
    return found;
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  /** Puts it there; what was used longest ago goes where they become too many. @throws `ERR_BUSY` where all are in use */
  async add(one: T): Promise<void> {
    const gone: T[] = [];
    while (!this.#fits(one)) {
      const oldest = [...this.#used].map(id => this.#held.get(id)!).find(({ isFixed, isBusy }) => !isFixed && !isBusy);
      if (!oldest) {
        await one.discard();
        const message = `as many ${this.#noun}s as are kept are in use: try again when one is done`;
        throw new Refusal(503, 'ERR_BUSY', message);
      }
      this.#forget(oldest, 'to make room for others; upload it again');
      gone.push(oldest);
    }
    this.#held.set(one.id, one);
    this.#used.add(one.id);
    await Promise.all(gone.map(each => each.discard()));
  }

  /** @throws Refusal where it isn't there or is the server's own */
  async remove(id: string): Promise<void> {
    const found = this.use(id);
    if (found.isFixed)
      throw new Refusal(403, 'ERR_USAGE', `${found.name} was given to onnx-cam serve: it stays as long as that runs`);
    this.#forget(found, 'by somebody who uses this server; upload it again');
    await found.discard();
  }

  async clear(): Promise<void> {
    const all = this.all;
    this.#held.clear();
    this.#used.clear();
    await Promise.all(all.map(each => each.discard()));
  }

  /** What the server was started with takes none of the room. */
  #fits({ bytes, isFixed }: T): boolean {
    if (isFixed) return true;
    const counted = this.all.filter(one => !one.isFixed);
    if (counted.length === 0) return true;
    const sum = counted.reduce((total, each) => total + each.bytes, bytes);
    return counted.length < this.#limits.count && sum <= this.#limits.bytes;
  }

  #forget({ id, name }: T, why: string): void {
    this.#held.delete(id);
    this.#used.delete(id);
    this.#gone.set(id, `the ${this.#noun} ${name} was removed ${why}`);
    if (this.#gone.size > REMEMBERED) this.#gone.delete(this.#gone.keys().next().value!);
  }
}
