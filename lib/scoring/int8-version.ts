import type { ScoringModel } from './scoring-model.ts';

/** What makes the int8 version of a scoring model; stays loaded while a task uses it. */
export interface Int8Version {
  /** The float model; its output holds the least and the largest values of tensors before the scores, [N, values + classes]. */
  readonly observer: ScoringModel;
  /** How many those values are; a tensor's least one comes before its largest. */
  readonly values: number;
  /** The output of the observer that holds the scores alone. */
  readonly scores: string;
  /**
   * The int8 model for tensors of these ranges; its session is the caller's to dispose of. The input {@link SHIFT} [classes] is
   * added to its scores.
   */
  open(ranges: Float64Array): Promise<ScoringModel>;
}

export const SHIFT = 'int8/shift';

/** Runs a task with the int8 version, or with the reason why nothing of this graph can be int8. */
export type UseInt8 = <T>(task: (version: Int8Version | string) => Promise<T>) => Promise<T>;

/** What is known of int8 runs. */
export interface Int8Outcome {
  /** How far the scores of the unchanged image moved, of each target, before they were shifted back: int8 minus float. */
  readonly moved: readonly number[];
  /** Changed items of the largest call; those of one mask count once. */
  readonly masks: number;
}
