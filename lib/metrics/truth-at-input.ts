import type { Box } from '../targets/detection.ts';

/** Where the object is, at the input's size. */
export interface TruthAtInput {
  /** [H, W]: 1 the object, 0 not, 255 what takes no part. From boxes where there is no mask. */
  readonly mask: Uint8Array;
  /** Pixel-inclusive [x, y, w, h]; those around a mask's parts where there are none. */
  readonly boxes: readonly Box[];
  /** The object's cells. */
  readonly inside: number;
}
