import { pearson } from '../common/pearson.ts';
import type { MethodMaps } from '../maps/apply-method.ts';
import { nth } from '../maps/unstretched.ts';
import type { Scorer } from '../scoring/scorer.ts';

/** What maps of int8 runs must correlate with the float ones by. */
const LEAST = 0.995;
/**
 * Rehearsals draw an error for each mask by itself. Those of masks that look alike go together, so that maps are off by more,
 * the more masks there are: so many times (docs/design.md#precision).
 */
const caution = (masks: number): number => 8 + masks / 100;
const REHEARSALS = 3;

/**
 * Maps that int8 runs made, if they are near enough to the float ones as far as their errors tell; else the float ones.
 * @param apply makes the maps with the scorers
 */
export async function checkedMaps(apply: () => Promise<MethodMaps>, scorers: readonly Scorer[]): Promise<MethodMaps> {
  const maps = await apply();
  const made = scorers.flatMap(({ int8 }) => int8 ?? []);
  if (made.length === 0) return maps;
  let least = 1;
  for (let seed = 1; seed <= REHEARSALS; seed++) {
    const task = scorers.reduce<() => Promise<MethodMaps>>(
      (inner, scorer) => () => scorer.rehearse?.(seed, inner) ?? inner(),
      apply,
    );
    least = Math.min(least, likeness(maps, await task()));
  }
  const masks = Math.max(...made.map(one => one.masks));
  const expected = 1 - caution(masks) * (1 - least);
  if (expected >= LEAST) return maps;
  const by = Math.max(0, Math.floor(expected * 1000) / 1000).toFixed(3);
  const reason = `its map may correlate with the float one by no more than ${by}, as far as errors of samples tell`;
  for (const scorer of scorers) scorer.refuseInt8?.(reason);
  return apply();
}

/** The least correlation of two sets of maps; 0 where a verdict differs, or a value is not finite. */
function likeness(a: MethodMaps, b: MethodMaps): number {
  const each = a.verdicts.map(({ status }, n) => {
    if (status !== b.verdicts[n]?.status) return 0;
    if (status !== 'ok') return 1;
    const found = pearson(nth(a.maps, n), nth(b.maps, n)) ?? 0;
    return Number.isFinite(found) ? found : 0;
  });
  return Math.min(...each);
}
