import type { ScoreView } from '../targets/target.ts';
import type { Int8Outcome } from './int8-version.ts';

/** Passes made, counted in images; `saved` are those that the mathematics showed to be superfluous. */
export interface ScorerRuns {
  readonly network: number;
  readonly tail: number;
  readonly saved: number;
}

/**
 * Scores changed copies for all targets of one image from the same runs. Loops run natively, off the event loop. Scores are
 * [items, targets], row-major. Every method throws what a run throws, and `ERR_ABORTED`.
 */
export interface Scorer {
  /** Number of targets. */
  readonly targets: number;
  /** Scores of the unchanged image. */
  clean(view?: ScoreView): Float64Array;
  /** Counts passes that a method found superfluous by itself. */
  save(passes: number): void;
  readonly runs: ScorerRuns;
  /** Of runs that were made in int8; undefined where none were. */
  readonly int8?: Int8Outcome | undefined;
  /**
   * Runs `task` with scores that are not made anew: those of all calls so far, in their order, where they were made in int8
   * with errors like theirs added (`int8-rehearsal.ts`).
   */
  rehearse?<T>(seed: number, task: () => Promise<T>): Promise<T>;
  /** All further runs are float, with a warning that says why. */
  refuseInt8?(reason: string): void;
  /** What the caller should know about the runs made so far. */
  readonly warnings: readonly string[];
}
