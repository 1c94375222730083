import { recurrent } from './unroll.ts';

/** h = f(W·x + R·h + b). */
export const rnn = recurrent({
  gates: 1,
  defaults: ['Tanh'],
  step: ({ e, activations, clip, recurrence }, projected, { h }) => {
    const sum = h ? e.add(projected, e.matMul(h, recurrence)) : projected;
    return { h: activations[0]!(e, clip(sum)) };
  },
});
