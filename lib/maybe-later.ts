/**
 * What may be there at once or later. Small work is done where it is asked for: on caches that a network run has emptied
 * every promise on the way to a map costs microseconds, which `await` would pay for values that are there.
 */
export type MaybeLater<T> = T | Promise<T>;

/** `next(value)` as soon as the value is there. */
export function whenReady<T, U>(value: MaybeLater<T>, next: (value: T) => MaybeLater<U>): MaybeLater<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** What `make` makes of the items side by side, as soon as all of it is there. */
export function allReady<T, U>(
  items: readonly T[],
  make: (item: T, index: number) => MaybeLater<U>,
): MaybeLater<readonly U[]> {
  const values: MaybeLater<U>[] = [];
  let pending = false;
  try {
    for (let index = 0; index < items.length; index++) {
      const value = make(items[index]!, index);
      if (value instanceof Promise) pending = true;
      values.push(value);
    }
  } catch (error) {
    // Nobody waits for those under way any more; should they fail too, that is not another error.
    for (const value of values) if (value instanceof Promise) value.catch(() => {});
    throw error;
  }
  return pending ? Promise.all(values) : (values as U[]);
}

/** What `step` makes of each item, one after the other. */
export function eachInTurn<T, U>(
  items: readonly T[],
  step: (item: T, index: number) => MaybeLater<U>,
): MaybeLater<U[]> {
  const results: U[] = [];
  for (let index = 0; index < items.length; index++) {
    const result = step(items[index]!, index);
    if (result instanceof Promise) return restInTurn(items, step, results, result);
    results.push(result);
  }
  return results;
}

async function restInTurn<T, U>(
  items: readonly T[],
  step: (item: T, index: number) => MaybeLater<U>,
  results: U[],
  pending: Promise<U>,
): Promise<U[]> {
  results.push(await pending);
  for (let index = results.length; index < items.length; index++) results.push(await step(items[index]!, index));
  return results;
}
