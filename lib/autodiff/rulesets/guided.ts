import { step } from '../blocked.ts';
import type { Rule, RuleSet } from '../rule.ts';
import { gradientRules } from '../rules/index.ts';

/**
 * Guided backpropagation (arXiv:1412.6806): at a ReLU only positive gradients pass, and only where the ReLU was open:
 * max(g, 0)·[y > 0]. As in the PyTorch tools it is ReLU alone that is guided; other activations keep their derivative.
 */
const relu: Rule = {
  backward: context => {
    const { emit } = context;
    context.add(0, emit.mul(emit.unary('Relu', context.gradient), step(emit, context.output())));
  },
};

export const guidedRules: RuleSet = new Map([...gradientRules, ['Relu', relu]]);
