import { logSumExp } from '../kernels/log-sum-exp.ts';
import type { ResolvedTarget, ScoreTerm } from './resolve.ts';
import type { ScoreView } from './target.ts';

/** How an output's logits become probabilities; `none`: they are probabilities. */
export type Activation = 'softmax' | 'sigmoid' | 'none';

/** The logits of one image and what can be read from them, in double precision. */
export class ScoreRow {
  readonly logits: Float32Array;
  readonly activation: Activation;
  #logSumExp: number | undefined;
  #top: readonly number[] = [];

  constructor(logits: Float32Array, activation: Activation) {
    this.logits = logits;
    this.activation = activation;
  }

  /** @param opposite see {@link ScoreTerm} */
  probability(index: number, opposite = false): number {
    const logit = this.logits[index]!;
    if (this.activation === 'none') return opposite ? 1 - logit : logit;
    if (this.activation === 'sigmoid') return 1 / (1 + Math.exp(opposite ? logit : -logit));
    return Math.exp(logit - this.#total());
  }

  /** The classes with the largest logits, by falling logit; equal logits keep the lower index first. */
  top(count: number): readonly number[] {
    if (this.#top.length < Math.min(count, this.logits.length)) this.#top = topIndices(this.logits, count);
    return this.#top.slice(0, count);
  }

  /** The class an index stands for (a negative one is a rank, see {@link ScoreTerm}). */
  classOf(index: number): number {
    return index >= 0 ? index : (this.top(-index).at(-1) ?? 0);
  }

  view(view: ScoreView, index: number, opposite = false): number {
    const logit = opposite ? -this.logits[index]! : this.logits[index]!;
    switch (view) {
      case 'logit':
        return logit;
      case 'probability':
        return this.probability(index, opposite);
      case 'logProbability':
        return this.logProbability(logit);
      case 'rest':
        return logit + this.logProbability(logit);
    }
  }

  score(target: Pick<ResolvedTarget, 'terms'>): number {
    return target.terms.reduce((sum, term) => sum + this.term(term), 0);
  }

  private term({ view, index, weight, opposite }: ScoreTerm): number {
    return weight * this.view(view, this.classOf(index), opposite);
  }

  private logProbability(logit: number): number {
    if (this.activation === 'none') return Math.log(logit);
    // Of the two forms the one whose exponential cannot overflow.
    if (this.activation === 'sigmoid')
      return logit < 0 ? logit - Math.log1p(Math.exp(logit)) : -Math.log1p(Math.exp(-logit));
    return logit - this.#total();
  }

  /** log Σ exp z, found once for all classes that are asked for. */
  #total(): number {
    this.#logSumExp ??= logSumExp(this.logits);
    return this.#logSumExp;
  }
}

/** In double precision. */
export function softmax(values: ArrayLike<number>): Float64Array {
  const doubles = Float64Array.from(values);
  const max = doubles.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const powers = doubles.map(value => Math.exp(value - max));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map(power => power / sum);
}

/** Selection of a few among many: each value is compared with the smallest one kept. NaN counts as smallest. */
function topIndices(values: Float32Array, count: number): number[] {
  const order = (index: number): number => (Number.isNaN(values[index]!) ? Number.NEGATIVE_INFINITY : values[index]!);
  const kept: number[] = [];
  const keep = (index: number): void => {
    const value = order(index);
    let place = kept.length;
    while (place > 0 && value > order(kept[place - 1]!)) place--;
    kept.splice(place, 0, index);
  };
  const first = Math.min(count, values.length);
  for (let i = 0; i < first; i++) keep(i);
  if (first === 0) return kept;
  let least = order(kept[first - 1]!);
  for (let i = first; i < values.length; i++) {
    if (!(values[i]! > least)) continue;
    keep(i);
    kept.pop();
    least = order(kept[first - 1]!);
  }
  return kept;
}
