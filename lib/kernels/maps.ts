/** A stack of maps, row-major [N, h, w]. */
export interface Maps {
  readonly data: Float32Array;
  readonly dims: readonly [count: number, height: number, width: number];
}
