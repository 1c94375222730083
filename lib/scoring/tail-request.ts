import type { ScoreView } from '../targets/target.ts';

/** Changed copies of the layer's activations. */
export type TailRequest = {
  readonly view?: ScoreView;
} & (
  | {
      /** Copy i: channel channels[i] holds values[i] everywhere. */
      readonly kind: 'channels';
      readonly channels: Uint32Array;
      readonly values: Float32Array;
    }
  | {
      /** Copy i keeps the channels k with sets[i · C + k] ≠ 0, the others are 0. */
      readonly kind: 'sets';
      readonly sets: Uint8Array;
    }
  | {
      /** Copy i keeps position i (row-major) of all channels, or spreads it over its neighbours ([1 2 1]² / 16). */
      readonly kind: 'positions';
      readonly gaussian: boolean;
    }
  | {
      /** Copy i keeps position i and its neighbours, each times its weight ([1 2 1]² / 16). */
      readonly kind: 'neighbourhoods';
    }
);
