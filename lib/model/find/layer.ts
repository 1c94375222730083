import type { TokenGrid } from './axes.ts';
import type { LayerLayout } from './layer-placement.ts';

/** A tensor that a map can be made from. */
export interface Layer {
  /** The tensor's name. */
  readonly name: string;
  /** Name of the node that makes it ('' in files without node names), of a dequantised tensor before its quantisation. */
  readonly node: string;
  /** The tensor before its quantisation, which stands for it by name too. */
  readonly quantizes?: string;
  readonly operator: string;
  /** Shape, −1 where dynamic. */
  readonly shape: readonly number[];
  readonly layout: LayerLayout;
  readonly channels: number;
  /** [h, w], or [D, h, w] for volumes; tokens: [h, w] of their grid, or [T] where that is not known. */
  readonly spatial: readonly number[];
  /** Every path from the input to the logits passes through it. */
  readonly dominating: boolean;
  /** Output of an activation, a residual sum, or a join of such. */
  readonly postActivation: boolean;
  /** Of layout 'tokens': where the positions are, if they could be followed back to the picture. */
  readonly tokens?: TokenGrid;
  /** Of layout 'frames': how many of the batch make one clip. */
  readonly frames?: number;
  /** Output of a layer normalisation. */
  readonly normalized: boolean;
  /** Queries, keys and values of an attention are made from it alone. */
  readonly attended: boolean;
  /** It covers a border, too, that the graph puts around the picture. */
  readonly padded?: true;
  /** A GridSample reads what it is made of at other places. */
  readonly sampled?: true;
  /** The last layer that a detector's scores depend on at every resolution. */
  readonly joint?: true;
  /** The scores read its positions, and not class tokens of it alone: behind the last attention patches are often unread. */
  readonly read: boolean;
  /** The last layer of its branch, in a network where none shows all that the scores are made of. */
  readonly branch?: true;
}
