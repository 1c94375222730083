import { Recent } from './recent.ts';
import { unlessAborted } from './unless-aborted.ts';

/**
 * Work that several callers wait for. Who is aborted is told so at once, and the work goes on for the others; it is ended when
 * nobody waits for it any more.
 */
export class SharedWork<T> {
  /** How the work itself ends. */
  readonly result: Promise<T>;
  readonly #controller = new AbortController();
  #waiting = 0;
  #settled = false;

  /** @param start ends soon after its signal fires */
  constructor(start: (signal: AbortSignal) => Promise<T>) {
    const settle = () => {
      this.#settled = true;
    };
    this.result = start(this.#controller.signal);
    this.result.then(settle, settle);
  }

  /** All who waited were aborted: begin it anew. */
  get isAbandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  /** @throws `ERR_ABORTED` as soon as the signal fires, and what the work throws */
  async join(signal: AbortSignal | undefined): Promise<T> {
    if (this.#settled) return this.result;
    this.#waiting++;
    try {
      return await unlessAborted(this.result, signal);
    } finally {
      if (--this.#waiting === 0 && !this.#settled) this.#controller.abort();
    }
  }
}

/** What is made once for all who ask for it while it is kept. What failed, or was abandoned, is made again for who asks next. */
export class RecentWork<K, V> {
  readonly #works: Recent<K, SharedWork<V>>;

  constructor(capacity: number) {
    this.#works = new Recent(capacity);
  }

  /** @throws `ERR_ABORTED` as soon as the signal fires, and what `make` throws */
  get(key: K, make: (signal: AbortSignal) => Promise<V>, signal?: AbortSignal): Promise<V> {
    const begin = () => {
      const work = new SharedWork(make);
      work.result.catch(() => this.#works.forget(key, work));
      return work;
    };
    let work = this.#works.get(key, begin);
    if (work.isAbandoned) {
      this.#works.forget(key, work);
      work = this.#works.get(key, begin);
    }
    return work.join(signal);
  }
}
