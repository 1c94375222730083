import type { ScorerRuns } from './scorer.ts';

/** How Σ_k softmax(u)_k max(A_k, 0), upsampled to the input's size, becomes a mask. */
export const MASK_NORMALIZATIONS = ['min-max', 'max', 'sigmoid'] as const;
export type MaskNormalization = (typeof MASK_NORMALIZATIONS)[number];

/** `plain` is f(x) − f(x ⊙ S), which may fall below zero; `absolute` its size. */
export const MASK_LOSSES = ['plain', 'absolute'] as const;
export type MaskLoss = (typeof MASK_LOSSES)[number];

export interface MaskOptimization {
  readonly normalization: MaskNormalization;
  readonly loss: MaskLoss;
  /** Largest number of steps. */
  readonly steps: number;
  readonly learningRate: number;
}

/** Masks S(u) of one image for some rows of channel weights u. */
export interface MaskEvaluation {
  readonly normalization: MaskNormalization;
  /** Which target each row is for. */
  readonly targets: readonly number[];
  /** [targets · C]. */
  readonly u: Float32Array;
}

/** What the network says of masked images. */
export interface MaskScoresAndGradients {
  /** f(x ⊙ S(u)) of each row's target. */
  readonly scores: ArrayLike<number>;
  /** ∂f/∂u, [rows · C]. */
  readonly gradients: Float32Array;
}

/** Finds channel weights whose mask keeps an image's scores; bound to the image, its targets and a layer. */
export interface MaskOptimizer {
  readonly targets: number;
  /** The weights [targets · C] before their softmax. @throws `ERR_ABORTED` between two steps */
  optimize(how: MaskOptimization): Promise<Float32Array>;
  /** Passes made so far, counted in images. */
  readonly runs: ScorerRuns;
}

/** Every channel starts alike. */
const START = 0.5;
const BETA = [0.9, 0.999] as const;
const EPSILON = 1e-8;
/** Progress is judged this many times. */
const CHECKS = 10;

/** What the loop runs on. */
export interface MaskLoop {
  readonly channels: number;
  /** Scores of the unchanged image, one for each target. */
  readonly clean: ArrayLike<number>;
  evaluate(masks: MaskEvaluation): Promise<MaskScoresAndGradients>;
  /** The steps that a target has taken, and those it did not need. */
  onStep?(taken: number, spared: number): void;
}

/**
 * Minimises the loss of each target over its own u by Adam (β 0.9 and 0.999, ε 1e-8, no decay), from u = 0.5. A tenth of
 * the steps lies between two looks at the loss: a target whose loss has risen since the last one is left as it was at that
 * look, as the official code of Opti-CAM has it. A target's result does not depend on the others.
 * @returns [targets · C]
 */
export async function optimizeMasks(loop: MaskLoop, how: MaskOptimization): Promise<Float32Array> {
  const { channels, clean } = loop;
  const count = clean.length;
  const result = new Float32Array(count * channels).fill(START);
  const adam = Array.from({ length: count }, () => new Adam(channels, how.learningRate));
  const previous = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const interval = Math.max(1, Math.floor(how.steps / CHECKS));
  let active = Array.from({ length: count }, (_, target) => target);
  const rowOf = (data: Float32Array, row: number) => data.subarray(row * channels, (row + 1) * channels);
  for (let step = 0; step < how.steps && active.length > 0; step++) {
    const u = new Float32Array(active.length * channels);
    for (const [row, target] of active.entries()) u.set(rowOf(result, target), row * channels);
    const masks = { normalization: how.normalization, targets: active, u };
    const { scores, gradients } = await loop.evaluate(masks);
    active = active.filter((target, row) => {
      const drop = clean[target]! - scores[row]!;
      const loss = how.loss === 'absolute' ? Math.abs(drop) : drop;
      const rises = step % interval === 0 && loss > previous[target]!;
      if (step % interval === 0) previous[target] = loss;
      loop.onStep?.(1, rises ? how.steps - step - 1 : 0);
      if (rises) return false;
      const slope = how.loss === 'absolute' ? -Math.sign(drop) : -1;
      adam[target]!.step(rowOf(result, target), rowOf(gradients, row), slope);
      return true;
    });
  }
  return result;
}

/** Adam (arXiv:1412.6980) on float32 values; moments in double precision. */
class Adam {
  readonly #rate: number;
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  #steps = 0;

  constructor(size: number, rate: number) {
    this.#rate = rate;
    this.#mean = new Float64Array(size);
    this.#square = new Float64Array(size);
  }

  /** One step against `factor` · gradient, in place. */
  step(values: Float32Array, gradient: Float32Array, factor: number): void {
    this.#steps++;
    const [first, second] = BETA;
    const rate = this.#rate / (1 - first ** this.#steps);
    const correction = Math.sqrt(1 - second ** this.#steps);
    for (let i = 0; i < values.length; i++) {
      const g = factor * gradient[i]!;
      const mean = (this.#mean[i] = first * this.#mean[i]! + (1 - first) * g);
      const square = (this.#square[i] = second * this.#square[i]! + (1 - second) * g * g);
      values[i]! -= (rate * mean) / (Math.sqrt(square) / correction + EPSILON);
    }
  }
}
