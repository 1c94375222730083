import { elementTypeNumber } from '../engine/element-type.ts';
import type { Session } from '../engine/session.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { NativeModel } from './native-scoring.ts';

/** A model that takes batches of variants and gives logits. */
export interface ScoringModel {
  /** On the CPU with one thread: runs go side by side. */
  readonly session: Session;
  /** A session for which the same schedule is best, where this one is made for a request alone. */
  readonly like?: Session;
  /** float32; [N, …] of images in the model's layout, or of feature maps [N, C, h, w]. */
  readonly input: string;
  /** float32 [N, classes]. */
  readonly output: string;
  /** The other inputs, for one image; those with a first size of 1 are repeated for a batch. */
  readonly fixed?: Readonly<Record<string, Tensor>>;
  /** Those of them that all items of a batch share as they are. */
  readonly shared?: ReadonlySet<string>;
  /** The number of images that the model takes in every run, where it isn't free. */
  readonly batch?: number;
}

/** Runs `task` with a model that stays loaded meanwhile. */
export type UseModel = <T>(task: (model: ScoringModel) => Promise<T>) => Promise<T>;

/** A model in the addon's terms. */
export function toNativeModel(
  { session, input, output, fixed = {}, shared, batch }: ScoringModel,
  itemDims: readonly number[],
) {
  return {
    session: session.handle,
    input,
    output,
    itemDims,
    batch: batch ?? 0,
    fixed: Object.entries(fixed).map(([name, { type, data, dims }]) => ({
      name,
      type: elementTypeNumber(type),
      data,
      dims,
      repeated: batch === undefined && dims[0] === 1 && !shared?.has(name),
    })),
  } satisfies NativeModel;
}
