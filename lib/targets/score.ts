import type { ResolvedTarget, ScoreTerm } from './resolve.ts';
import type { ScoreView } from './target.ts';

/** How an output's logits become probabilities. */
export type Activation = 'softmax' | 'sigmoid';

/** The logits of one image and what can be read from them, in double precision. */
export class ScoreRow {
  readonly logits: ArrayLike<number>;
  readonly activation: Activation;
  #probabilities: Float64Array | undefined;
  #ranking: Uint32Array | undefined;

  constructor(logits: ArrayLike<number>, activation: Activation) {
    this.logits = logits;
    this.activation = activation;
  }

  get probabilities(): Float64Array {
    this.#probabilities ??=
      this.activation === 'softmax' ? softmax(this.logits) : Float64Array.from(this.logits, sigmoid);
    return this.#probabilities;
  }

  /** Class indices by falling logit; equal logits keep the lower index first. */
  get ranking(): Uint32Array {
    this.#ranking ??= Uint32Array.from(this.logits, (_, index) => index).sort(
      (a, b) => this.logits[b]! - this.logits[a]! || a - b,
    );
    return this.#ranking;
  }

  /** The class an index stands for (a negative one is a rank, see {@link ScoreTerm}). */
  classOf(index: number): number {
    return index >= 0 ? index : (this.ranking[-1 - index] ?? 0);
  }

  view(view: ScoreView, index: number): number {
    const logit = this.logits[index]!;
    switch (view) {
      case 'logit':
        return logit;
      case 'probability':
        return this.probabilities[index]!;
      case 'logProbability':
        return this.logProbability(index);
      case 'rest':
        return logit + this.logProbability(index);
    }
  }

  score(target: Pick<ResolvedTarget, 'terms'>): number {
    return target.terms.reduce((sum, term) => sum + this.term(term), 0);
  }

  private term({ view, index, weight }: ScoreTerm): number {
    return weight * this.view(view, this.classOf(index));
  }

  private logProbability(index: number): number {
    const logit = this.logits[index]!;
    // Of the two forms the one whose exponential cannot overflow.
    if (this.activation === 'sigmoid')
      return logit < 0 ? logit - Math.log1p(Math.exp(logit)) : -Math.log1p(Math.exp(-logit));
    let max = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.logits.length; i++) max = Math.max(max, this.logits[i]!);
    let sum = 0;
    for (let i = 0; i < this.logits.length; i++) sum += Math.exp(this.logits[i]! - max);
    return logit - max - Math.log(sum);
  }
}

export function softmax(values: ArrayLike<number>): Float64Array {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) max = Math.max(max, values[i]!);
  const exps = Float64Array.from(values, value => Math.exp(value - max));
  const sum = exps.reduce((total, value) => total + value, 0);
  return exps.map(value => value / sum);
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
