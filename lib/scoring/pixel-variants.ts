/**
 * A changed copy of one input: pixels `order[begin … end)` are those of `to`, all others those of `from`, all channels of a
 * pixel together. Without `to` it is `from` itself. Images and orders that several variants share are the same objects.
 */
export interface PixelVariant {
  /** [C, H, W] or [H, W, C], as the network gets it. */
  readonly from: Float32Array;
  readonly to?: Float32Array;
  /** Row-major pixel numbers, y · W + x. */
  readonly order?: Uint32Array;
  readonly begin?: number;
  readonly end?: number;
}
