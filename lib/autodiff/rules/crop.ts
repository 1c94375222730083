import { expand } from '../broadcast.ts';
import { pad } from '../forms.ts';
import type { Rule } from '../rule.ts';
import { positiveAxis, range } from '../value.ts';

/** CenterCropPad: the other way round, zeros where it cropped and cut off where it padded. */
export const centerCropPad: Rule = {
  inputs: [0],
  backward: context => {
    const { emit, node } = context;
    const [x, y] = [context.input().dims, context.output().dims];
    const axes = node.attributes.ints('axes', range(x.length)).map(axis => positiveAxis(axis, x.length));
    const changed = axes.filter(axis => x[axis] !== y[axis]);
    if (changed.some(axis => x[axis] === -1 || y[axis] === -1)) context.fail('it crops a dynamic axis');
    const before = x.map(() => 0);
    const after = x.map(() => 0);
    for (const axis of changed) {
      const difference = x[axis]! - y[axis]!;
      // An odd cell is cropped, or added, at the end.
      before[axis] = Math.trunc(difference / 2);
      after[axis] = difference - before[axis]!;
    }
    context.add(0, pad(emit, expand(emit, context.gradient, context.output(), changed), before, after));
  },
};
