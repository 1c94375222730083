import { isPromise } from './kinds.ts';

/**
 * Values by key, made on first need. No more than `capacity` are kept: the one that was asked for longest ago is let go.
 * What throws is not kept, nor is a promise that is rejected, so that the next call tries again.
 */
export class Recent<K, V> {
  /** The one that was asked for last at the end. */
  readonly #values = new Map<K, V>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Lets go of a value, unless there is another under its key by now. */
  forget(key: K, value: V): void {
    if (this.#values.get(key) === value) this.#values.delete(key);
  }

  get(key: K, make: () => V): V {
    if (this.#values.has(key)) {
      const known = this.#values.get(key) as V;
      this.#values.delete(key);
      this.#values.set(key, known);
      return known;
    }
    const made = make();
    this.#values.set(key, made);
    if (this.#values.size > this.#capacity) this.#values.delete(this.#values.keys().next().value as K);
    if (isPromise(made)) made.catch(() => this.forget(key, made));
    return made;
  }
}
