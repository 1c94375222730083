import type { ErrorCode } from '../common/errors.ts';

/** Of what lies in a queue: a worker that knows another one leaves the chunk to others. */
export const PROTOCOL = 1;

/** A part of an enqueued run: a stretch of its sorted inputs, done by one worker as part I of N of the run. */
export interface Chunk {
  readonly protocol: number;
  /** The onnx-cam that enqueued it. */
  readonly version: string;
  readonly model: {
    /** An absolute path or a URL. */
    readonly path: string;
    /** Hexadecimal. */
    readonly sha256: string;
  };
  /** The flags of `explain` that decide what is made, as JSON; paths absolute. */
  readonly options: ChunkOptions;
  /** The folder of results: an absolute path or a URL. */
  readonly out: string;
  /** Which part of how many: index from 0. */
  readonly part: { readonly index: number; readonly count: number };
  /** At least one. */
  readonly inputs: readonly ChunkInput[];
}

export type ChunkOptions = Readonly<Record<string, unknown>>;

/**
 * A file to explain, with the first part of its results' names, and where it is fetched from if the path is not all of that; or an
 * argument that stood for none.
 */
export type ChunkInput =
  | { readonly path: string; readonly stem: string; readonly url?: string }
  | { readonly path: string; readonly error: { readonly code: ErrorCode; readonly message: string } };
