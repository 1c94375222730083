import type { Random } from '../common/random.ts';

/** What int8 does to the score of one target, from changed items that were scored in both precisions. */
export interface SampledErrors {
  /** Int8 scores, ascending, and int8 minus float of each; both in the scale of {@link SampledErrors.logit}. */
  readonly scores: Float64Array;
  readonly errors: Float64Array;
  /** Errors are those of logits of a probability: they are as large where it is near 0 or 1. */
  readonly logit: boolean;
}

/** Scores of one call, [items, targets], and where they were made in int8, of each target what is known of their errors. */
export interface ScoredCall {
  readonly scores: Float64Array;
  readonly errors?: readonly SampledErrors[];
  /** Items in a row that are the same mask, whose errors go together. */
  readonly repeats: number;
}

/** Probabilities nearer to 0 or 1 count as this far from it. */
const LEAST = 1e-9;
/** An error is drawn from this share of the samples, those of the nearest scores. */
const NEAR = 0.5;

const toLogit = (p: number): number => {
  const inside = Math.min(1 - LEAST, Math.max(LEAST, p));
  return Math.log(inside / (1 - inside));
};

/** @param float scores of samples, and those of the same in int8 */
export function sampledErrors(float: readonly number[], int8: readonly number[], logit: boolean): SampledErrors {
  const scale = logit ? toLogit : (score: number) => score;
  const pairs = int8.map((score, i) => [scale(score), scale(score) - scale(float[i]!)] as const);
  pairs.sort(([a], [b]) => a - b);
  return {
    scores: Float64Array.from(pairs, ([score]) => score),
    errors: Float64Array.from(pairs, ([, error]) => error),
    logit,
  };
}

/**
 * The call's scores with errors like those that they have already, drawn anew: how far a map of these is from the map of the
 * scores is how far that is from the float one.
 */
export function withErrors({ scores, errors, repeats }: ScoredCall, random: Random): Float64Array {
  const changed = scores.slice();
  if (!errors) return changed;
  const targets = errors.length;
  let draw = 0;
  for (let i = 0; i < scores.length / targets; i++) {
    if (i % repeats === 0) draw = random.uniform();
    for (const [t, known] of errors.entries()) {
      const at = i * targets + t;
      const score = known.logit ? toLogit(scores[at]!) : scores[at]!;
      const drawn = score + known.errors[nearby(known.scores, score, draw)]!;
      changed[at] = known.logit ? 1 / (1 + Math.exp(-drawn)) : drawn;
    }
  }
  return changed;
}

/** A sample near `score`, by a number in [0, 1). */
function nearby(samples: Float64Array, score: number, draw: number): number {
  const width = Math.ceil(NEAR * samples.length);
  let place = 0;
  while (place < samples.length && samples[place]! < score) place++;
  const first = Math.max(0, Math.min(samples.length - width, place - (width >> 1)));
  return first + Math.floor(draw * width);
}
