import { declareShape, isBlocked, minusFrom } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import type { Emitter } from '../emitter.ts';
import { pad, padAxis, repeatElements, sliceAxis, strided } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { range, replaceAt, sizeOf, type Value } from '../value.ts';
import { backAlongBlocked, isBlockedWindow } from './pool-max-blocked.ts';
import { allOnes, allZeros, insertZeros, reachOf, requireStaticWindow, type Window, windowOf } from './window.ts';

/**
 * MaxPool: the gradient goes to the first maximum of each window in row-major order, as in PyTorch. Ties are common
 * (windows of zeros behind a ReLU), so every form here is exact in them. The operator's own `Indices` output is a slow
 * kernel and is only asked for where nothing else is fast (docs/design.md#pools).
 */
export const maxPool: Rule = {
  backward: context => {
    if (context.gradientOf(1)) context.fail('its Indices output is used');
    const window = windowOf(context, context.node.attributes.ints('kernel_shape', []));
    requireStaticWindow(context, window);
    const { kernel, strides, dilations, padBegin, padEnd, input, output } = window;
    if (allOnes(kernel) && allOnes(strides) && allZeros([...padBegin, ...padEnd]))
      return context.add(0, context.gradient);
    const tiles =
      allZeros([...padBegin, ...padEnd]) &&
      allOnes(dilations) &&
      kernel.every((size, axis) => size === strides[axis] && size * output[axis]! <= input[axis]!);
    if (tiles) return context.add(0, tiled(context, window));
    if (allOnes(strides) || inBlocks(context, window) || context.emit.opset < 16 || context.manyScores)
      return context.add(0, staged(context, window));
    context.add(0, scattered(context));
  },
};

/**
 * Windows that tile the map: cells that equal their window's maximum are given distinct codes that fall in row-major
 * order, and the largest code of each window is the first maximum.
 */
function tiled(context: NodeContext, { kernel, input, output }: Window): Value {
  const { emit } = context;
  const g = context.fullGradient;
  const y = context.output();
  const size = output.map((count, axis) => count * kernel[axis]!);
  const factors = [1, 1, ...kernel];
  // Rows behind the last whole window are never read.
  const x = size.reduce((value, length, axis) => sliceAxis(emit, value, axis + 2, 0, length), context.input());
  const hits = emit.equal(x, repeatElements(emit, y, factors));
  const codes = emit.mul(hits, emit.constant(windowCodes(kernel, size), x.type, [1, 1, ...size]));
  const best = emit.node('MaxPool', [codes], { type: y.type, dims: y.dims }, { kernel_shape: kernel, strides: kernel });
  const first = emit.equal(codes, repeatElements(emit, best, factors));
  const spread = emit.mul(repeatElements(emit, g, factors), first);
  if (!context.manyScores) declareShape(emit, spread, context.input());
  return pad(emit, spread, [0, 0, ...size.map(() => 0)], [0, 0, ...size.map((length, axis) => input[axis]! - length)]);
}

/** k, k − 1, … 1 over the cells of each window, laid out over the map. */
function windowCodes(kernel: readonly number[], size: readonly number[]): number[] {
  const area = sizeOf(kernel);
  const cells = (axis: number, rank: number[]): number[] =>
    axis === size.length
      ? rank
      : cells(
          axis + 1,
          rank.flatMap(before => range(size[axis]!).map(cell => before * kernel[axis]! + (cell % kernel[axis]!))),
        );
  return cells(0, [0]).map(position => area - position);
}

/**
 * Any window, one axis after the other: maxima of the rows, then maxima of those along the columns. Going back, the
 * first row that holds the maximum takes the gradient, and in it the first column. No Indices, and no scattering.
 */
function staged(context: NodeContext, window: Window): Value {
  const { emit } = context;
  const axes = range(window.rank).reverse();
  const lowest = padValue(context.input());
  // Forward through all axes but the first spatial one, whose result is the operator's own.
  const stages: Value[] = [context.input()];
  for (const axis of axes.slice(0, -1)) stages.push(maximaAlong(emit, stages.at(-1)!, window, axis));
  stages.push(context.output());
  const blocked = inBlocks(context, window);
  let g = context.fullGradient;
  for (const [index, axis] of [...axes.entries()].reverse()) {
    const [x, y] = [stages[index]!, stages[index + 1]!];
    g = blocked
      ? backAlongBlocked(emit, g, x, y, alongAxis(window, axis, x.dims.slice(2), y.dims.slice(2)))
      : backAlong(emit, g, x, y, window, axis, lowest);
  }
  return g;
}

/** The window's extent on one axis, between maps of these sizes. */
function alongAxis(window: Window, axis: number, input: readonly number[], output: readonly number[]): Window {
  const only = (values: readonly number[], other: number) =>
    values.map((value, index) => (index === axis ? value : other));
  return {
    rank: window.rank,
    kernel: only(window.kernel, 1),
    strides: only(window.strides, 1),
    dilations: only(window.dilations, 1),
    padBegin: only(window.padBegin, 0),
    padEnd: only(window.padEnd, 0).with(axis, endPadding(window, axis)),
    input,
    output,
  };
}

function inBlocks(context: NodeContext, window: Window): boolean {
  if (context.manyScores || !isBlocked(context.emit, context.input())) return false;
  return range(window.rank).every(axis => isBlockedWindow(alongAxis(window, axis, window.input, window.output)));
}

/** Less than anything in a map, and a number in the element type. */
const padValue = (x: Value): number => (x.type === 'float16' ? -65504 : -3.4028234663852886e38);

/** MaxPool with the window's extent on one axis only. */
function maximaAlong(e: Emitter, x: Value, window: Window, axis: number): Value {
  const only = (values: readonly number[], other: number) =>
    values.map((value, index) => (index === axis ? value : other));
  const pads = [...only(window.padBegin, 0), ...only(window.padEnd, 0).with(axis, endPadding(window, axis))];
  const attributes = {
    kernel_shape: only(window.kernel, 1),
    strides: only(window.strides, 1),
    pads,
    ...(allOnes(window.dilations) ? {} : { dilations: only(window.dilations, 1) }),
  };
  return e.node('MaxPool', [x], { type: x.type, dims: replaceAt(x.dims, axis + 2, window.output[axis]!) }, attributes);
}

/** Padding with which the windows end exactly at the last output (ceil_mode lets them overhang). */
const endPadding = (window: Window, axis: number): number =>
  Math.max(
    0,
    (window.output[axis]! - 1) * window.strides[axis]! +
      reachOf(window, axis) +
      1 -
      (window.input[axis]! + window.padBegin[axis]!),
  );

function backAlong(
  e: Emitter,
  g: Value,
  x: Value,
  y: Value,
  window: Window,
  spatialAxis: number,
  lowest: number,
): Value {
  const axis = spatialAxis + 2;
  const kernel = window.kernel[spatialAxis]!;
  const stride = window.strides[spatialAxis]!;
  const begin = window.padBegin[spatialAxis]!;
  const size = window.input[spatialAxis]!;
  const count = window.output[spatialAxis]!;
  if (kernel === 1 && stride === 1 && begin === 0) return g;
  const length = (count - 1) * stride + reachOf(window, spatialAxis) + 1;
  const padded = padAxis(e, x, axis, begin, Math.max(0, length - size - begin), lowest);
  const spread = stride === 1 ? undefined : window.strides.map((_, index) => (index === spatialAxis ? stride : 1));
  let free: Value | undefined;
  let total: Value | undefined;
  for (let cell = 0; cell < kernel; cell++) {
    const offset = cell * window.dilations[spatialAxis]!;
    let hit = e.equal(strided(e, padded, axis, offset, stride, count), y);
    if (free) hit = e.mul(hit, free);
    if (cell < kernel - 1) free = free ? e.sub(free, hit) : minusFrom(e, 1, hit);
    const share = e.mul(g, hit);
    const sparse = spread ? insertZeros(e, share, spread) : share;
    const start = offset - begin;
    const placed = padAxis(e, sparse, axis, start, size - start - sparse.dims[axis]!);
    total = total ? e.add(total, placed) : placed;
  }
  return total!;
}

/** Overlapping windows with a stride, opset 16: the operator's own Indices, which count through the whole tensor. */
function scattered(context: NodeContext): Value {
  const { emit, node } = context;
  const [x, y] = [context.input(), context.output()];
  const attributes = Object.fromEntries(node.attributes.protos.map(proto => [proto.name, proto]));
  const indices = { type: 'int64' as const, dims: y.dims };
  const [, found] = emit.nodes('MaxPool', [x], [{ type: y.type, dims: y.dims }, indices], {
    ...attributes,
    storage_order: 0,
  });
  // The CPU has no half precision kernel that adds.
  const type = x.type === 'float16' || x.type === 'bfloat16' ? 'float32' : x.type;
  const zeros = emit.reshape(emit.zerosLike({ ...x, type }), [-1]);
  const g = emit.reshape(emit.cast(context.fullGradient, type), [-1]);
  const sums = emit.node(
    'ScatterElements',
    [zeros, emit.reshape(found!, [-1]), g],
    { type, dims: [-1] },
    { axis: 0, reduction: 'add' },
  );
  return emit.cast(emit.reshapeLike(sums, x), x.type);
}
