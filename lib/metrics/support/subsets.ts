import type { Random } from '../../common/random.ts';
import type { PixelVariant } from '../../scoring/pixel-variants.ts';
import type { Subject } from '../subject.ts';

const kept = new WeakMap<Subject, Map<string, unknown>>();

/** What is drawn for an image, once for all its maps: their changed inputs are the same, and run once. */
export function onceFor<T>(subject: Subject, key: string, make: () => T): T {
  let known = kept.get(subject);
  if (!known) kept.set(subject, (known = new Map()));
  if (!known.has(key)) known.set(key, make());
  return known.get(key) as T;
}

/** `size` of the numbers below `count`, each at most once, every subset as likely as another (Floyd's algorithm); ascending. */
export function drawSubset(count: number, size: number, random: Random): Uint32Array {
  const drawn = new Set<number>();
  for (let last = count - size; last < count; last++) {
    const number = Math.floor(random.uniform() * (last + 1));
    drawn.add(drawn.has(number) ? last : number);
  }
  return Uint32Array.from(drawn).sort();
}

/** The input once for each set of pixels, which are those of `to`. */
export function withEachReplaced({ input }: Subject, to: Float32Array, sets: readonly Uint32Array[]): PixelVariant[] {
  return sets.map(order => ({ from: input, to, order }));
}

/** Sum of a map over pixels. */
export function sumOver(map: ArrayLike<number>, pixels: Uint32Array): number {
  let sum = 0;
  for (const pixel of pixels) sum += map[pixel]!;
  return sum;
}
