import { expand } from '../broadcast.ts';
import type { NodeContext } from '../context.ts';
import { pad as emitPad } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { positiveAxis, range, type Value } from '../value.ts';
import { multiplyAlong, selection } from './slice.ts';

/** Amounts added before and after every axis: an attribute before opset 11, an input since, with axes since 18. */
function padsOf(context: NodeContext): { before: number[]; after: number[] } {
  const { node } = context;
  const rank = context.input().dims.length;
  const varying = () => context.fail('its pads vary at run time');
  const pads = node.attributes.ints('pads') ?? context.constantInput(1) ?? varying();
  const axes = context.has(3) ? (context.constantInput(3) ?? varying()) : range(rank);
  const before = Array<number>(rank).fill(0);
  const after = Array<number>(rank).fill(0);
  for (const [place, axis] of axes.entries()) {
    before[positiveAxis(axis, rank)] = pads[place]!;
    after[positiveAxis(axis, rank)] = pads[place + axes.length]!;
  }
  return { before, after };
}

/** Constant padding is taken off again; the others return what every copied cell received to its source. */
export const pad: Rule = {
  inputs: [0],
  backward: context => {
    const { emit, node } = context;
    const { before, after } = padsOf(context);
    const mode = node.attributes.string('mode', 'constant');
    const axes = range(before.length).filter(axis => before[axis] !== 0 || after[axis] !== 0);
    const full = expand(emit, context.gradient, context.output(), axes);
    if (mode === 'constant') {
      const negative = (amounts: readonly number[]) => amounts.map(amount => (amount === 0 ? 0 : -amount));
      return context.add(0, emitPad(emit, full, negative(before), negative(after)));
    }
    let g: Value = full;
    for (const axis of axes) {
      const size = context.input().dims[axis]!;
      if (size === -1) context.fail('it pads a dynamic axis by copies');
      const sources = range(size + before[axis]! + after[axis]!).map(place =>
        sourceOf(place - before[axis]!, size, mode),
      );
      g = multiplyAlong(context, g, axis, selection(sources, size), size);
    }
    context.add(0, g);
  },
};

/** Where a padded cell is copied from. */
function sourceOf(place: number, size: number, mode: string): number {
  if (mode === 'edge') return Math.min(Math.max(place, 0), size - 1);
  if (mode === 'wrap') return ((place % size) + size) % size;
  // reflect: the edge itself is not repeated.
  const period = 2 * (size - 1) || 1;
  const folded = ((place % period) + period) % period;
  return folded < size ? folded : period - folded;
}
