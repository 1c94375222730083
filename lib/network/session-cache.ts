import { OnnxCamError } from '../common/errors.ts';

/** Anything that owns a session. */
export interface SessionHolder {
  readonly session: { dispose(): Promise<void> };
}

interface Entry {
  readonly holder: Promise<SessionHolder>;
  users: number;
}

/** What runs need of a cache. */
export type SessionUse = Pick<SessionCache, 'use'>;

/**
 * Sessions by key, made on first need. At most `capacity` idle ones are kept; the least recently used are released
 * first, and none while it is in use.
 */
export class SessionCache {
  readonly #entries = new Map<string, Entry>();
  readonly #capacity: number;
  #disposed = false;
  #scopes = 0;
  /** Calls of `use` that have not returned yet, and who waits for the last of them. */
  #running = 0;
  #drained: (() => void) | undefined;

  constructor(capacity = 4) {
    this.#capacity = capacity;
  }

  /**
   * Runs `task` with the session of this key; sessions asked for at the same time are created once.
   * @throws `ERR_DISPOSED` after {@link dispose}.
   */
  async use<H extends SessionHolder, T>(
    key: string,
    create: () => Promise<H>,
    task: (holder: H) => Promise<T>,
  ): Promise<T> {
    if (this.#disposed) throw new OnnxCamError('ERR_DISPOSED', 'the explainer was disposed; load the model again');
    let entry = this.#entries.get(key);
    if (entry) this.#entries.delete(key);
    else entry = { holder: create(), users: 0 };
    const used = entry;
    this.#entries.set(key, used);
    used.users++;
    this.#running++;
    try {
      // A key always stands for the same kind of holder.
      return await task((await used.holder) as H);
    } catch (error) {
      // A failed creation must not be remembered.
      used.holder.catch(() => this.#entries.get(key) === used && this.#entries.delete(key));
      throw error;
    } finally {
      used.users--;
      if (this.#entries.size > this.#limit) await this.#releaseSurplus();
      if (--this.#running === 0) this.#drained?.();
    }
  }

  /** The same cache for another network, whose keys are kept apart from all others. */
  scope(): SessionUse {
    const scope = ++this.#scopes;
    return { use: (key, create, task) => this.use(`${scope} ${key}`, create, task) };
  }

  /** Releases every session and resolves when all are released; those in use end their runs first. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#releaseSurplus();
    if (this.#running > 0) await new Promise<void>(resolve => (this.#drained = resolve));
  }

  /** Sessions that may be kept. */
  get #limit(): number {
    return this.#disposed ? 0 : this.#capacity;
  }

  async #releaseSurplus(): Promise<void> {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= this.#limit) break;
      if (entry.users > 0) continue;
      this.#entries.delete(key);
      const holder = await entry.holder.catch(() => undefined);
      await holder?.session.dispose();
    }
  }
}
