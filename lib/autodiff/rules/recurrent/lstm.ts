import { minusFrom } from '../../blocked.ts';
import { split } from '../../forms.ts';
import type { Value } from '../../value.ts';
import { type Cell, gatesOf, recurrent } from './unroll.ts';

/**
 * i, o, f = f(W·x + R·h + p⊙c + b), c̃ = g(…), c = f⊙c + i⊙c̃, h = o⊙h(c), the peephole of o on the new cell; gates in the
 * order i, o, f, c, peepholes i, o, f. With input_forget, f = 1 − i.
 */
const cell: Cell = {
  gates: 4,
  defaults: ['Sigmoid', 'Tanh', 'Tanh'],
  step: (direction, projected, { h, c: before }, { node }) => {
    const { e, hidden, activations, clip, recurrence, peepholes } = direction;
    const [f, g, out] = activations as [(typeof activations)[0], (typeof activations)[0], (typeof activations)[0]];
    const sum = h ? e.add(projected, e.matMul(h, recurrence)) : projected;
    const gates = gatesOf(direction, sum) as [Value, Value, Value, Value];
    const holes = peepholes && split(e, peepholes, 0, [hidden, hidden, hidden]);
    const through = (gate: Value, hole: number, state: Value | undefined) =>
      f(e, clip(holes && state ? e.add(gate, e.mul(state, holes[hole]!)) : gate));
    const input = through(gates[0], 0, before);
    const coupled = node.attributes.int('input_forget', 0) === 1;
    const forget = before && (coupled ? minusFrom(e, 1, input) : through(gates[2], 2, before));
    const fresh = e.mul(input, g(e, clip(gates[3])));
    const c = forget ? e.add(e.mul(forget, before), fresh) : fresh;
    return { h: e.mul(through(gates[1], 1, c), out(e, c)), c };
  },
};

export const lstm = recurrent(cell);
