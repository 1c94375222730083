import type { ImageSource, TensorInput } from '../image/source.ts';
import type { DetectionReadout } from './detection.ts';
import type { Region } from './readout.ts';

/**
 * What a map explains, as a value: targets are plain data that can be combined, compared and printed. How they become
 * scores and gradient seeds is decided when they meet a model (resolve.ts).
 */
export type Target =
  | { readonly kind: 'rank'; readonly rank: number }
  | { readonly kind: 'top'; readonly k: number }
  | { readonly kind: 'class'; readonly index: number }
  | { readonly kind: 'label'; readonly label: string }
  | { readonly kind: 'binary'; readonly category: 0 | 1 }
  | { readonly kind: 'regression'; readonly index: number }
  | { readonly kind: 'segmentation'; readonly classIndex: number; readonly region: Region }
  | { readonly kind: 'detection'; readonly classIndex?: number; readonly readout: DetectionReadout }
  | { readonly kind: 'similarity'; readonly to: Float32Array | SimilarImage }
  | { readonly kind: 'graph'; readonly model: string | URL | Uint8Array }
  | { readonly kind: 'weighted'; readonly terms: readonly (readonly [Target, number])[]; readonly as: string }
  | { readonly kind: 'view'; readonly view: Exclude<ScoreView, 'logit'>; readonly of: Target }
  | { readonly kind: 'output'; readonly name: string; readonly of: Target };

/** Kinds that name a class in one way or another and ask nothing more of it. */
const CLASS_KINDS: ReadonlySet<string> = new Set<Target['kind']>(['class', 'rank', 'label', 'top']);

/** What is asked of a class, by a target's kind: 'class' where nothing more is than which one it is. */
export const askedKind = (kind: string): string => (CLASS_KINDS.has(kind) ? 'class' : kind);

/** Another picture, whose embedding becomes a vector when the target meets a model. */
export interface SimilarImage {
  /** Read as those that are explained. */
  readonly image: ImageSource | TensorInput;
}

/** The targets of some kinds. */
export type TargetOf<K extends Target['kind']> = Extract<Target, { readonly kind: K }>;

/**
 * Which function of the logits z a score reads. `probability` is softmax (sigmoid for multi-label heads),
 * `logProbability` its logarithm, `rest` the ReST target z + log p (arXiv 2501.06261).
 */
export type ScoreView = 'logit' | 'probability' | 'logProbability' | 'rest';

/** What `explain` accepts as `target`: a class index, a label, `'top1'`/`'top3'`, or a {@link Target}. */
export type TargetInput = number | string | Target;
