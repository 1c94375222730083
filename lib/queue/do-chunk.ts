import type { OnnxCamError } from '../common/errors.ts';
import type { Chunk } from './chunk.ts';

/**
 * Does a chunk: every input ends in a result or a recorded error, told by `done`. What an earlier worker did is not done again
 * (it goes on from the manifest of this part). Resolves when all inputs are done or, after the signal fired, when those that
 * were begun are.
 *
 * What it throws fails the whole chunk, with this as its reason (an unusable model, an output folder); {@link ChunkHeldError}
 * puts it off.
 */
export type DoChunk = (chunk: Chunk, work: ChunkWork) => Promise<void>;

/** What the queue says of a chunk, and wants to know. Inputs are named by their index in `chunk.inputs`. */
export interface ChunkWork {
  /** Fires when nothing further is to be begun: what is in work is finished, the rest is given back. */
  readonly signal: AbortSignal;
  /**
   * Inputs that were in work when a process ended: one of them may end this one too. Each is done alone, one after the
   * other, before all others.
   */
  readonly alone: readonly number[];
  /** Inputs that were in work too often when a process ended: not begun any more, this error is recorded for them. */
  readonly givenUp: ReadonlyMap<number, OnnxCamError>;
  /** Whether inputs whose error an earlier worker recorded are done again. */
  readonly retryFailed: boolean;
  /** To be awaited before an input is begun, so that it is known should it end the process. Several may be in work. */
  begin(index: number): Promise<void>;
  /**
   * An input's line is in the manifest, of this worker or an earlier one (then without `begin`).
   * @param failed whether it is an error
   */
  done(index: number, failed: boolean): void;
}

/** Thrown by {@link DoChunk}: another process that lives holds this part of the run; the chunk is tried again in a while. */
export class ChunkHeldError extends Error {}
