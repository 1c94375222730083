import type { ShelfLimits } from './shelf.ts';

/** What bounds a server. */
export interface ServeLimits {
  /** Bytes of one upload. */
  readonly model: number;
  readonly picture: number;
  readonly models: ShelfLimits;
  readonly pictures: ShelfLimits;
  /** Explanations that wait for one model. */
  readonly waiting: number;
  /** Uploads at once. */
  readonly uploads: number;
  /** Milliseconds without a byte after which an upload is given up. */
  readonly patience: number;
}

export const SERVE_LIMITS: ServeLimits = {
  // No ONNX file has more.
  model: 2 ** 31,
  picture: 100e6,
  models: { count: 8, bytes: 2 ** 32 },
  pictures: { count: 200, bytes: 1e9 },
  waiting: 50,
  uploads: 16,
  patience: 60_000,
};
