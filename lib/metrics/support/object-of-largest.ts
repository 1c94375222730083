import { IGNORED } from './object.ts';

/** How many of the first `count` pixels of an order lie in the object; those that take no part are passed over. */
export function objectOfLargest(order: Uint32Array, mask: Uint8Array, count: number): number {
  let left = count;
  let found = 0;
  for (let i = 0; i < order.length && left > 0; i++) {
    const cell = mask[order[i]!]!;
    if (cell === IGNORED) continue;
    left--;
    if (cell === 1) found++;
  }
  return found;
}
