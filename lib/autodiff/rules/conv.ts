import type { NodeContext } from '../context.ts';
import type { Emitter } from '../emitter.ts';
import { flip, pad } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { range, type Value } from '../value.ts';
import { allOnes, allZeros, insertZeros, reachOf, requireStaticWindow, type Window, windowOf } from './window.ts';

/**
 * Gradient of a convolution's input. Stride 1: convolution with the flipped, transposed weight. Otherwise a transposed
 * convolution with the weight as it is, except for depthwise ones, where inserting zeros and convolving is faster.
 */
export const conv: Rule = {
  backward: context => {
    refuseWeights(context);
    const weight = context.input(1);
    const group = context.node.attributes.int('group', 1);
    const window = windowOf(context, weight.dims.slice(2));
    const input = context.input();
    if (allOnes(window.strides)) {
      // A 1×1 kernel maps each cell by itself: a gradient that is constant over positions stays so.
      const pointwise = allOnes(window.kernel) && allZeros([...window.padBegin, ...window.padEnd]);
      // One that is the same for all channels is written out: the kernel sums over them.
      const whole = context.gradient.dims[1] === weight.dims[0];
      const g = pointwise && whole ? context.gradient : context.fullGradient;
      const begin = range(window.rank).map(axis => reachOf(window, axis) - window.padBegin[axis]!);
      const end = range(window.rank).map(axis => reachOf(window, axis) - window.padEnd[axis]!);
      const spatial = pointwise ? g.dims.slice(2) : window.input;
      const back = [g.dims[0]!, input.dims[1]!, ...spatial];
      if ([...begin, ...end].every(amount => amount >= 0))
        return context.add(0, convolveBack(context.emit, g, weight, group, window, begin, end, back));
    }
    requireStaticWindow(context, window);
    const depthwise = group === input.dims[1] && weight.dims[1] === 1 && weight.dims[0] === group;
    if (depthwise) {
      const spread = window.output.map((size, axis) => (size - 1) * window.strides[axis]! + 1);
      const begin = range(window.rank).map(axis => reachOf(window, axis) - window.padBegin[axis]!);
      const end = range(window.rank).map(
        axis => window.input[axis]! - spread[axis]! + reachOf(window, axis) - begin[axis]!,
      );
      if ([...begin, ...end].every(amount => amount >= 0)) {
        const g = insertZeros(context.emit, context.fullGradient, window.strides);
        const back = [g.dims[0]!, ...input.dims.slice(1)];
        return context.add(0, convolveBack(context.emit, g, weight, group, window, begin, end, back));
      }
    }
    context.add(0, transposedConv(context.emit, context.fullGradient, weight, group, window, input.dims[1]!));
  },
  /** A classifier written as a 1×1 convolution of a 1×1 map: the rows of the weight, gathered. */
  backwardIndex: context => {
    const { emit } = context;
    const [input, weight] = [context.input(), context.input(1)];
    const cells = [...input.dims.slice(2), ...weight.dims.slice(2)];
    if (!allOnes(cells) || context.node.attributes.int('group', 1) !== 1 || context.wants(1) || context.wants(2))
      return false;
    const index = context.index!;
    const rows = { type: weight.type, dims: [index.dims[0]!, ...weight.dims.slice(1)] };
    context.add(0, emit.node('Gather', [weight, index], rows, { axis: 0 }));
    return true;
  },
};

function refuseWeights(context: NodeContext): void {
  if (context.wants(1) || context.wants(2))
    context.fail('its weight or bias is computed from the layer (dynamic convolution)');
}

/** Convolution of stride 1 with the flipped, transposed weight. */
function convolveBack(
  e: Emitter,
  g: Value,
  weight: Value,
  group: number,
  window: Window,
  begin: readonly number[],
  end: readonly number[],
  dims: readonly number[],
): Value {
  const { kernel, dilations } = window;
  const flipped = flippedWeight(e, weight, group);
  const attributes = { kernel_shape: kernel, dilations, group, pads: [...begin, ...end], strides: kernel.map(() => 1) };
  return e.node('Conv', [g, flipped], { type: g.type, dims }, attributes);
}

/** [O, I/group, k…] → [I, O/group, k…] with reversed kernel axes; the runtime folds these nodes when it loads the graph. */
export function flippedWeight(e: Emitter, weight: Value, group: number): Value {
  const [outputs, inner, ...kernel] = weight.dims as [number, number, ...number[]];
  const perGroup = outputs / group;
  const spatial = kernel.map((_, axis) => axis + 2);
  let swapped = weight;
  if (group === 1) swapped = e.transpose(weight, [1, 0, ...spatial]);
  else if (perGroup > 1 || inner > 1) {
    const grouped = e.reshape(weight, [group, perGroup, inner, ...kernel]);
    const transposed = e.transpose(grouped, [0, 2, 1, ...spatial.map(axis => axis + 1)]);
    swapped = e.reshape(transposed, [group * inner, perGroup, ...kernel]);
  }
  return flip(e, swapped, spatial);
}

/** ConvTranspose whose output has the size of the convolution's input. */
export function transposedConv(
  e: Emitter,
  g: Value,
  weight: Value,
  group: number,
  window: Window,
  channels: number,
): Value {
  const { kernel, strides, dilations, padBegin, padEnd, input, output } = window;
  // Input cells behind the last window: part of the operator where it allows that, zeros added afterwards elsewhere.
  const missing = range(window.rank).map(
    axis =>
      input[axis]! -
      ((output[axis]! - 1) * strides[axis]! - padBegin[axis]! - padEnd[axis]! + reachOf(window, axis) + 1),
  );
  const inside = missing.map((amount, axis) => (amount < Math.max(strides[axis]!, dilations[axis]!) ? amount : 0));
  const behind = missing.map((amount, axis) => amount - inside[axis]!);
  const sizes = input.map((size, axis) => size - behind[axis]!);
  const attributes = {
    kernel_shape: kernel,
    strides,
    dilations,
    group,
    pads: [...padBegin, ...padEnd],
    ...(allZeros(inside) ? {} : { output_padding: inside }),
  };
  const back = e.node(
    'ConvTranspose',
    [g, weight],
    { type: g.type, dims: [g.dims[0]!, channels, ...sizes] },
    attributes,
  );
  return pad(e, back, [0, 0, ...sizes.map(() => 0)], [0, 0, ...behind]);
}

/** Gradient of a transposed convolution's input: the convolution with the same weight, cropped to its size. */
export const convTranspose: Rule = {
  backward: context => {
    refuseWeights(context);
    const { attributes } = context.node;
    if (attributes.has('output_shape') || attributes.string('auto_pad', 'NOTSET') !== 'NOTSET')
      context.fail('output_shape and auto_pad are not supported');
    const weight = context.input(1);
    const window = windowOf(context, weight.dims.slice(2));
    requireStaticWindow(context, window);
    const { kernel, strides, dilations, padBegin, input, output } = window;
    // The convolution must yield exactly as many cells as went in: the end padding follows from the sizes.
    const end = range(window.rank).map(
      axis => (input[axis]! - 1) * strides[axis]! + reachOf(window, axis) + 1 - output[axis]! - padBegin[axis]!,
    );
    const cropped = cropEnd(context.emit, context.fullGradient, end);
    const pads = [...padBegin, ...end.map(amount => Math.max(amount, 0))];
    const g = context.emit.node(
      'Conv',
      [cropped, weight],
      { type: cropped.type, dims: [cropped.dims[0]!, ...context.input().dims.slice(1)] },
      { kernel_shape: kernel, strides, dilations, group: attributes.int('group', 1), pads },
    );
    context.add(0, g);
  },
};

/** Drops cells behind the last window, which `output_padding` added. */
function cropEnd(e: Emitter, g: Value, end: readonly number[]): Value {
  const crop = [0, 0, ...end.map(amount => Math.min(amount, 0))];
  return pad(
    e,
    g,
    crop.map(() => 0),
    crop,
  );
}
