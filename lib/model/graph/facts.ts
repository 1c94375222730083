import type { TensorType } from '../../engine/tensor.ts';

/** What is known of one tensor of a graph: found by probing (docs/design.md#facts). */
export interface TensorFacts {
  readonly type: TensorType;
  /** Sizes; −1 where the size follows the batch (or another dynamic axis of the input). */
  readonly dims: readonly number[];
  /** How many rows of the first axis each image has, where that is not one: positions or classes of all images in a row. */
  readonly rowsPerImage?: number;
  /** Values of small integer and boolean tensors that do not depend on the input. */
  readonly values?: readonly number[];
}

/** Facts by tensor name, for every tensor of the graph, initializers included. */
export type FactTable = ReadonlyMap<string, TensorFacts>;
