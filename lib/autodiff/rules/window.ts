import type { NodeContext } from '../context.ts';
import type { Emitter } from '../emitter.ts';
import { range, type Value } from '../value.ts';

/** Geometry of a sliding window (convolution or pool) per spatial axis, with `auto_pad` resolved. */
export interface Window {
  /** Number of spatial axes. */
  readonly rank: number;
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padBegin: readonly number[];
  readonly padEnd: readonly number[];
  /** Spatial sizes of input and output, −1 where dynamic. */
  readonly input: readonly number[];
  readonly output: readonly number[];
}

export function windowOf(context: NodeContext, kernel: readonly number[]): Window {
  const { attributes } = context.node;
  const rank = kernel.length;
  const input = context.input().dims.slice(2);
  const output = context.output().dims.slice(2);
  const strides = attributes.ints('strides', Array(rank).fill(1));
  const dilations = attributes.ints('dilations', Array(rank).fill(1));
  const pads = attributes.ints('pads', Array(2 * rank).fill(0));
  const geometry = { rank, kernel, strides, dilations, input, output };
  const auto = attributes.string('auto_pad', 'NOTSET');
  if (auto === 'NOTSET' || auto === '') return { ...geometry, padBegin: pads.slice(0, rank), padEnd: pads.slice(rank) };
  if (auto === 'VALID') return { ...geometry, padBegin: Array(rank).fill(0), padEnd: Array(rank).fill(0) };
  const total = range(rank).map(axis => {
    const reach = dilations[axis]! * (kernel[axis]! - 1) + 1;
    if (strides[axis] === 1) return reach - 1;
    if (input[axis] === -1) context.fail(`auto_pad ${auto} with a stride on a dynamic axis`);
    return Math.max(0, (output[axis]! - 1) * strides[axis]! + reach - input[axis]!);
  });
  const smaller = total.map(amount => Math.floor(amount / 2));
  const larger = total.map(amount => Math.ceil(amount / 2));
  return auto === 'SAME_UPPER'
    ? { ...geometry, padBegin: smaller, padEnd: larger }
    : { ...geometry, padBegin: larger, padEnd: smaller };
}

/** Cells between the first and the last one a window touches on an axis. */
export const reachOf = (window: Window, axis: number): number => window.dilations[axis]! * (window.kernel[axis]! - 1);

export const allOnes = (values: readonly number[]): boolean => values.every(value => value === 1);
export const allZeros = (values: readonly number[]): boolean => values.every(value => value === 0);

/** Refuses windows over axes whose sizes differ between images, where the gradient's size could not be written down. */
export function requireStaticWindow(context: NodeContext, window: Window): void {
  if (window.input.includes(-1) || window.output.includes(-1)) context.fail('height or width is dynamic');
}

/**
 * Puts stride − 1 zeros between neighbouring cells: size n becomes (n − 1)·stride + 1. A depthwise transposed
 * convolution with a 1×1 kernel of ones is the fastest way ONNX Runtime offers (docs/design.md#zero-insertion).
 */
export function insertZeros(e: Emitter, x: Value, strides: readonly number[]): Value {
  if (allOnes(strides)) return x;
  const channels = x.dims[1]!;
  const ones = e.constant(1, x.type, [channels, 1, ...strides.map(() => 1)]);
  const spatial = x.dims.slice(2).map((size, axis) => (size - 1) * strides[axis]! + 1);
  return e.node(
    'ConvTranspose',
    [x, ones],
    { type: x.type, dims: [x.dims[0]!, channels, ...spatial] },
    { strides, group: channels, kernel_shape: strides.map(() => 1) },
  );
}
