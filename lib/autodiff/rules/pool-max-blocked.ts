import { affine, step } from '../blocked.ts';
import type { Emitter } from '../emitter.ts';
import { range, sizeOf, type Value } from '../value.ts';
import { transposedConv } from './conv.ts';
import type { Window } from './window.ts';

/**
 * Gradient of maxima along one axis, in channel blocks: shifts are depthwise convolutions with one tap, comparisons steps
 * of a difference. With beyond(o) = [the maximum lies behind the first o + 1 cells of the window], cell 0 takes
 * g − g·beyond(0), cell o takes g·beyond(o−1) − g·beyond(o), the last one the rest; each difference is g or 0.
 */
export function backAlongBlocked(e: Emitter, g: Value, x: Value, y: Value, window: Window): Value {
  const cells = sizeOf(window.kernel);
  if (cells === 1) return g;
  let rest = g;
  const shares: Value[] = [];
  for (let cell = 0; cell < cells - 1; cell++) {
    const gap = cell === 0 ? gapToFirst(e, x, y, window) : e.add(affine(e, firstMaxima(e, x, y, window, cell), -1), y);
    const behind = e.mul(g, step(e, gap));
    shares.push(e.add(affine(e, behind, -1), rest));
    rest = behind;
  }
  shares.push(rest);
  if (window.strides.some(stride => stride !== 1)) return interleaved(e, shares, window);
  return shares.map((share, cell) => placed(e, share, window, cell)).reduce((sum, part) => e.add(part, sum));
}

/** Whether {@link backAlongBlocked} knows this window, which extends along one axis. */
export function isBlockedWindow(window: Window): boolean {
  const axis = window.kernel.findIndex((size, index) => size > 1 || window.strides[index]! > 1);
  if (axis === -1) return false;
  const [kernel, stride] = [window.kernel[axis]!, window.strides[axis]!];
  const [begin, size, count] = [window.padBegin[axis]!, window.input[axis]!, window.output[axis]!];
  if (kernel < 2 || kernel > 3 || begin > 1 || window.dilations.some(amount => amount !== 1)) return false;
  // Cells before the last one must lie on the map at the end, and no row may be left over behind the last window of two.
  const last = (count - 1) * stride - begin;
  const inside = last + kernel - 2 < size;
  const exact = kernel === 2 || size < last + stride + 2;
  return inside && exact && size < last + stride + kernel;
}

/** y − x at the first cell of each window; where that cell is padding, more than any map holds. */
function gapToFirst(e: Emitter, x: Value, y: Value, window: Window): Value {
  const { kernel, strides, padBegin, rank } = window;
  const end = endPads(window, kernel);
  const first = tap(e, x, kernel, 0, -1);
  const shifted = e.node('Conv', [x, first], y, {
    group: x.dims[1]!,
    kernel_shape: kernel,
    strides,
    pads: [...padBegin, ...end],
  });
  const gap = e.add(shifted, y);
  if (padBegin.every(amount => amount === 0)) return gap;
  // Ones, shifted by a cell, are zero in the first one: those windows begin in the padding. The activation changes no
  // value, but keeps the runtime from adding the gap inside the convolution, where it would be lost beside FAR.
  const ones = affine(e, y, 0, 1);
  const pair = padBegin.map(amount => amount + 1);
  const bias = e.constant(FAR, y.type, [y.dims[1]!]);
  const outside = e.node('Conv', [ones, tap(e, y, pair, 0, -FAR), bias], y, {
    group: y.dims[1]!,
    kernel_shape: pair,
    pads: [...padBegin, ...range(rank).map(() => 0)],
  });
  return e.add(gap, e.unary('Relu', outside));
}

/** More than any feature map holds, and far from overflow. */
const FAR = 2 ** 100;

/** Maxima of the first cells of each window, up to one of them. */
function firstMaxima(e: Emitter, x: Value, y: Value, window: Window, upTo: number): Value {
  const kernel = window.kernel.map(size => Math.min(size, upTo + 1));
  const pads = [...window.padBegin, ...endPads(window, kernel)];
  return e.node('MaxPool', [x], y, { kernel_shape: kernel, strides: window.strides, pads });
}

/** Padding with which windows of this size end at the last output. */
const endPads = ({ strides, padBegin, input, output }: Window, kernel: readonly number[]): number[] =>
  kernel.map((size, axis) => Math.max(0, (output[axis]! - 1) * strides[axis]! + size - input[axis]! - padBegin[axis]!));

/** Moves the gradients of one cell of all windows to where that cell is, stride 1. */
function placed(e: Emitter, share: Value, { kernel, padBegin, input, output }: Window, cell: number): Value {
  const channels = share.dims[1]!;
  const begin = kernel.map((size, axis) => size - 1 - padBegin[axis]!);
  const end = kernel.map((size, axis) => input[axis]! - output[axis]! - begin[axis]! + size - 1);
  return e.node(
    'Conv',
    [share, tap(e, share, kernel, sizeOf(kernel) - 1 - cell, 1)],
    { type: share.type, dims: [share.dims[0]!, channels, ...input] },
    { group: channels, kernel_shape: kernel, pads: [...begin, ...end] },
  );
}

/** The same for all cells with a stride: one transposed convolution of as many planes per channel as there are cells. */
function interleaved(e: Emitter, shares: readonly Value[], window: Window): Value {
  const cells = shares.length;
  const [batch, channels, ...sizes] = shares[0]!.dims as [number, number, ...number[]];
  const planes = shares.map(share => e.reshape(share, [batch, channels, 1, ...sizes]));
  const joined = e.reshape(e.concat(planes, 2), [batch, channels * cells, ...sizes]);
  const rows = range(cells).map(cell => range(cells).map(index => (index === cell ? 1 : 0)));
  const weights = Array.from({ length: channels }, () => rows.flat()).flat();
  const weight = e.constant(weights, joined.type, [channels * cells, 1, ...window.kernel]);
  return transposedConv(e, joined, weight, channels, window, channels);
}

/** Depthwise weights that read one cell of a one-dimensional window. */
function tap(e: Emitter, like: Value, kernel: readonly number[], cell: number, value: number): Value {
  const channels = like.dims[1]!;
  const row = range(sizeOf(kernel)).map(index => (index === cell ? value : 0));
  return e.constant(Array.from({ length: channels }, () => row).flat(), like.type, [channels, 1, ...kernel]);
}
