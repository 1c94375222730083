import type { Random } from '../../common/random.ts';
import type { Subject } from '../subject.ts';

const kept = new WeakMap<Subject, Map<string, unknown>>();

/** What is drawn for an image, once for all its maps: their changed inputs are the same, and run once. */
export function onceFor<T>(subject: Subject, key: string, make: () => T): T {
  let known = kept.get(subject);
  if (!known) kept.set(subject, (known = new Map()));
  if (!known.has(key)) known.set(key, make());
  return known.get(key) as T;
}

/** `size` of the numbers below `count`, each at most once; ascending. */
export function drawSubset(count: number, size: number, random: Random): Uint32Array {
  const numbers = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i < size; i++) {
    const j = i + Math.floor(random.uniform() * (count - i));
    const taken = numbers[j]!;
    numbers[j] = numbers[i]!;
    numbers[i] = taken;
  }
  return numbers.subarray(0, size).slice().sort();
}

/** Sum of a map over pixels. */
export function sumOver(map: ArrayLike<number>, pixels: Uint32Array): number {
  let sum = 0;
  for (const pixel of pixels) sum += map[pixel]!;
  return sum;
}
