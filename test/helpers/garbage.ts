import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { execution: 'async' }) => Promise<void>;

/** Counts which of the objects that it was shown are still alive. */
export class AliveCounter {
  readonly #shown: WeakRef<object>[] = [];

  show(object: object): void {
    this.#shown.push(new WeakRef(object));
  }

  /** Collects garbage first, on an empty stack, which would keep what it happens to hold. */
  async count(): Promise<number> {
    // A reference that was just made holds its object until the turn ends.
    await nextTurn();
    await collect({ execution: 'async' });
    return this.#shown.filter(reference => reference.deref() !== undefined).length;
  }
}
