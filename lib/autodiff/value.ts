import { OnnxCamError } from '../common/errors.ts';
import type { TensorType } from '../engine/tensor.ts';

/** A tensor of the graph as rules see it. */
export interface Value {
  readonly name: string;
  readonly type: TensorType;
  /** Sizes, −1 where dynamic. In a gradient, 1 where its tensor is larger means "constant along this axis" (lazy). */
  readonly dims: readonly number[];
}

export const isFloat = (type: TensorType): boolean =>
  type === 'float32' || type === 'float64' || type === 'float16' || type === 'bfloat16';

export const sameDims = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

/** Product of sizes, or −1 when one of them is dynamic. */
export const sizeOf = (dims: readonly number[]): number =>
  dims.includes(-1) ? -1 : dims.reduce((product, size) => product * size, 1);

/**
 * A possibly negative axis as an index into a shape of this rank.
 * @throws OnnxCamError `ERR_MODEL_INVALID` for one that there is not
 */
export function positiveAxis(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive >= 0 && positive < Math.max(rank, 1)) return positive;
  throw new OnnxCamError('ERR_MODEL_INVALID', `a node uses axis or index ${axis} where there are ${rank}`);
}

/** Shape of an elementwise operation on two tensors: NumPy's rule; a dynamic size beside a static one (> 1) is that one. */
export function broadcastDims(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const first = a[axis - rank + a.length] ?? 1;
    const second = b[axis - rank + b.length] ?? 1;
    if (first === 1) return second;
    if (second === 1 || second === -1) return first;
    return second;
  });
}

export const range = (count: number, start = 0): number[] => Array.from({ length: count }, (_, index) => start + index);

export const replaceAt = <T>(items: readonly T[], index: number, item: T): T[] => items.with(index, item);
