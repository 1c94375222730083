import { between, quantileAt } from '../common/quantile.ts';
import { tiedRanks } from '../common/tied-ranks.ts';

/** Figures of a list of finite values. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  /** With n − 1; null for fewer than two. */
  readonly sd: number | null;
  /** sd / √n. */
  readonly se: number | null;
  readonly median: number;
}

/** Nothing for an empty list. */
export function momentsOf(values: Float64Array): Moments | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const mean = meanOf(values);
  if (n < 2) return { n, mean, sd: null, se: null, median: mean };
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const sd = Math.sqrt(squares / (n - 1));
  return { n, mean, sd, se: sd / Math.sqrt(n), median: quantileOf(values.slice().sort(), 0.5) };
}

export function meanOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Linear between neighbours, as numpy's `quantile`. @param sorted ascending, not empty */
export function quantileOf(sorted: Float64Array, q: number): number {
  return quantileAt(sorted.length, i => sorted[i]!, q);
}

/** The same of values in any order, which are moved about: an order of all would take many times as long. */
export function selectQuantile(values: Float64Array, q: number): number {
  const place = q * (values.length - 1);
  const low = Math.floor(place);
  select(values, low);
  const value = values[low]!;
  if (place === low) return value;
  let next = Number.POSITIVE_INFINITY;
  for (let i = low + 1; i < values.length; i++) if (values[i]! < next) next = values[i]!;
  return between(value, next, place - low);
}

/** Brings the k-th smallest value to its place, smaller ones before it, larger ones behind it (Hoare). */
function select(values: Float64Array, k: number): void {
  let [left, right] = [0, values.length - 1];
  while (left < right) {
    const [a, b, c] = [values[left]!, values[(left + right) >> 1]!, values[right]!];
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    let [i, j] = [left, right];
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const swapped = values[i]!;
      values[i++] = values[j]!;
      values[j--] = swapped;
    }
    if (k <= j) right = j;
    else if (k >= i) left = i;
    else return;
  }
}

/** Ranks from 1, equal values share the mean of theirs; as scipy's `rankdata`. */
export function ranksOf(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  return tiedRanks(values, order).map(rank => rank + 1);
}

/**
 * The two-sided Wilcoxon signed-rank test of differences: zeros dropped, the normal approximation with its correction for ties, without
 * one for continuity (scipy: `method='asymptotic'`). Of fewer than six differences exactly, over all their signs. 1 where none is left.
 */
export function wilcoxon(differences: Float64Array): number {
  const kept = differences.filter(value => value !== 0);
  const n = kept.length;
  if (n === 0) return 1;
  const ranks = ranksOf(kept.map(Math.abs));
  let positive = 0;
  for (let i = 0; i < n; i++) if (kept[i]! > 0) positive += ranks[i]!;
  if (n < 6) return exactly(ranks, positive);
  const mean = (n * (n + 1)) / 4;
  const variance = (n * (n + 1) * (2 * n + 1)) / 24 - tieTerm(ranks) / 48;
  return Math.min(1, erfc(Math.abs(positive - mean) / Math.sqrt(2 * variance)));
}

/** Twice the smaller tail of the sums that all signs give. */
function exactly(ranks: Float64Array, positive: number): number {
  let [atMost, atLeast] = [0, 0];
  const all = 2 ** ranks.length;
  for (let signs = 0; signs < all; signs++) {
    let sum = 0;
    for (let i = 0; i < ranks.length; i++) if ((signs >> i) & 1) sum += ranks[i]!;
    if (sum <= positive) atMost++;
    if (sum >= positive) atLeast++;
  }
  return Math.min(1, (2 * Math.min(atMost, atLeast)) / all);
}

/** Σ t³ − t over groups of equal ranks. */
function tieTerm(ranks: Float64Array): number {
  const counts = new Map<number, number>();
  for (const rank of ranks) counts.set(rank, (counts.get(rank) ?? 0) + 1);
  let sum = 0;
  for (const count of counts.values()) sum += count ** 3 - count;
  return sum;
}

/** 1 − erf(x) for x ≥ 0: the series of erf near zero, a continued fraction beyond, where the difference would lose its digits. */
export function erfc(x: number): number {
  if (x < 2) {
    let [sum, term] = [x, x];
    for (let k = 1; Math.abs(term) > 1e-17 * sum; k++) {
      term *= (-x * x) / k;
      sum += term / (2 * k + 1);
      if (term === 0) break;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = x;
  for (let k = 80; k >= 1; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}

/** Holm's correction of p-values for their number. */
export function holm(p: readonly number[]): number[] {
  const order = p.map((_, i) => i).sort((a, b) => p[a]! - p[b]!);
  const corrected = new Array<number>(p.length);
  let largest = 0;
  order.forEach((at, place) => {
    largest = Math.max(largest, Math.min(1, p[at]! * (p.length - place)));
    corrected[at] = largest;
  });
  return corrected;
}
