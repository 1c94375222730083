import { minusFrom } from '../../blocked.ts';
import { sliceAxis } from '../../forms.ts';
import type { Activation } from './activations.ts';
import { type Cell, gatesOf, recurrent } from './unroll.ts';

/**
 * z, r = f(W·x + R·h + b), h̃ = g(W·x + R·(r⊙h) + b), or with linear_before_reset g(W·x + r⊙(R·h + b_R) + b_W);
 * h = (1 − z)⊙h̃ + z⊙h.
 */
const cell: Cell = {
  gates: 3,
  defaults: ['Sigmoid', 'Tanh'],
  ownBias: ({ node }) => node.attributes.int('linear_before_reset', 0) !== 0,
  step: (direction, projected, { h }, { node }) => {
    const { e, hidden, activations, clip, recurrence, recurrenceBias } = direction;
    const [f, g] = activations as [Activation, Activation];
    const linear = node.attributes.int('linear_before_reset', 0) !== 0;
    const columns = (start: number, count: number) =>
      e.matMul(h!, sliceAxis(e, recurrence, 1, start * hidden, count * hidden));
    const biased = (x: typeof projected, start: number, count: number) =>
      recurrenceBias ? e.add(x, sliceAxis(e, recurrenceBias, 0, start * hidden, count * hidden)) : x;
    const both = biased(
      h ? e.add(sliceAxis(e, projected, 1, 0, 2 * hidden), columns(0, 2)) : sliceAxis(e, projected, 1, 0, 2 * hidden),
      0,
      2,
    );
    const [z, r] = gatesOf(direction, f(e, clip(both))) as [typeof projected, typeof projected];
    const candidate = sliceAxis(e, projected, 1, 2 * hidden, hidden);
    let sum = candidate;
    if (linear) {
      const own = h
        ? biased(columns(2, 1), 2, 1)
        : recurrenceBias && sliceAxis(e, recurrenceBias, 0, 2 * hidden, hidden);
      if (own) sum = e.add(candidate, e.mul(r, own));
    } else if (h) sum = e.add(candidate, e.matMul(e.mul(r, h), sliceAxis(e, recurrence, 1, 2 * hidden, hidden)));
    const fresh = e.mul(minusFrom(e, 1, z), g(e, clip(sum)));
    return { h: h ? e.add(fresh, e.mul(z, h)) : fresh };
  },
};

export const gru = recurrent(cell);
