/**
 * What may be there at once or later. Small work is done where it is asked for: on caches that a network run has emptied
 * every promise on the way to a map costs microseconds, which `await` would pay for values that are there.
 */
export type MaybeLater<T> = T | Promise<T>;

/** `next(value)` as soon as the value is there. */
export function whenReady<T, U>(value: MaybeLater<T>, next: (value: T) => MaybeLater<U>): MaybeLater<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** The values as soon as all of them are there. */
export function allReady<T>(values: readonly MaybeLater<T>[]): MaybeLater<readonly T[]> {
  for (const value of values) if (value instanceof Promise) return Promise.all(values);
  return values as readonly T[];
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
