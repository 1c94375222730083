import { OnnxCamError } from '../common/errors.ts';
import { SharedWork } from '../common/shared-work.ts';

/** Anything that owns a session. */
export interface SessionHolder {
  readonly session: { dispose(): Promise<void> };
}

interface Entry {
  readonly holder: SharedWork<SessionHolder>;
  users: number;
  /** Nobody waited for it any longer, and it will be released when it is made. */
  isAbandoned: boolean;
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
  /** Calls of `use` that have not returned yet, creations that were abandoned, and who waits for the last of them. */
  #running = 0;
  #drained: (() => void) | undefined;

  constructor(capacity = 4) {
    this.#capacity = capacity;
  }

  /**
   * Runs `task` with the session of this key; sessions asked for at the same time are created once, for as long as anybody waits.
   * @throws `ERR_DISPOSED` after {@link dispose}, `ERR_ABORTED` when the signal fires while the session is created
   */
  async use<H extends SessionHolder, T>(
    key: string,
    create: (signal: AbortSignal) => Promise<H>,
    task: (holder: H) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (this.#disposed) throw new OnnxCamError('ERR_DISPOSED', 'the explainer was disposed; load the model again');
    let entry = this.#entries.get(key);
    this.#entries.delete(key);
    if (!entry || entry.holder.isAbandoned) entry = { holder: new SharedWork(create), users: 0, isAbandoned: false };
    const used = entry;
    this.#entries.set(key, used);
    used.users++;
    this.#running++;
    try {
      // A key always stands for the same kind of holder.
      return await task((await used.holder.join(signal)) as H);
    } catch (error) {
      // A failed creation must not be remembered.
      if (used.holder.isAbandoned) this.#abandon(key, used);
      else used.holder.result.catch(() => this.#forget(key, used));
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
    return { use: (key, ...use) => this.use(`${scope} ${key}`, ...use) };
  }

  /** Releases every session and resolves when all are released; those in use end their runs first. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#releaseSurplus();
    if (this.#running > 0) await new Promise<void>(resolve => (this.#drained = resolve));
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  /** What is made all the same, since a library could not end it, is released. */
  #abandon(key: string, entry: Entry): void {
    if (entry.isAbandoned) return;
    entry.isAbandoned = true;
    this.#forget(key, entry);
    this.#running++;
    void entry.holder.result
      .then(({ session }) => session.dispose())
      .catch(() => {})
      .finally(() => {
        if (--this.#running === 0) this.#drained?.();
      });
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
      const holder = await entry.holder.result.catch(() => undefined);
      await holder?.session.dispose();
    }
  }
}
