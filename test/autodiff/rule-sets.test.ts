import { expect, it } from 'vitest';
import { differentiate } from '../../lib/autodiff/differentiate.ts';
import type { ReferenceRun } from '../../lib/autodiff/reference.ts';
import type { Rule, RuleSet } from '../../lib/autodiff/rule.ts';
import { gradientRules } from '../../lib/autodiff/rules/index.ts';
import { deepLiftRules } from '../../lib/autodiff/rulesets/deep-lift.ts';
import { relevanceRules } from '../../lib/autodiff/rulesets/relevance.ts';
import { makeValueInfo } from '../../lib/model/graph/value-info.ts';
import { noise } from '../helpers/model-builder.ts';
import { factsByRunning, float32, graphOf, pseudoRandom, relativeError, runGraph } from './harness.ts';

const network = () =>
  graphOf({
    nodes: [
      ['Conv', ['x', 'w', 'b'], ['c'], { pads: [1, 1, 1, 1] }],
      ['Relu', ['c'], ['r']],
      ['GlobalAveragePool', ['r'], ['p']],
      ['Flatten', ['p'], ['f']],
      ['Gemm', ['f', 'v'], ['y']],
    ],
    inputs: { x: [1, 2, 4, 4] },
    weights: { w: noise([3, 2, 3, 3], 1), b: noise([3], 2, 0), v: noise([3, 2], 3) },
  });

const listed = (text: string) => text.trim().split(/\s+/);
/** Operators with a gradient that relevance and DeepLIFT refuse: one that is in no table of theirs is listed here. */
const REFUSED_BY_DEEP_LIFT = listed('MaxRoiPool TopK');
const REFUSED_BY_RELEVANCE = listed(`
  AffineGrid CumProd DFT DeformConv Det GRU LSTM LogSoftmax Mod RNN Reciprocal ReduceLogSum ReduceLogSumExp ReduceProd
  ReduceSumSquare STFT
`);

it.each([
  ['relevance', relevanceRules, REFUSED_BY_RELEVANCE],
  ['DeepLIFT', deepLiftRules({} as ReferenceRun), REFUSED_BY_DEEP_LIFT],
] as const)('%s has a rule for every operator with a gradient, or refuses it knowingly', (_, rules, refused) => {
  expect([...gradientRules.keys()].filter(op => !rules.has(op)).toSorted()).toEqual(refused.toSorted());
});

/** The gradient rule of an operator, called with another cotangent: relevance x · rule(R / y). */
function relevance(rule: Rule): Rule {
  return {
    ...rule,
    backwardIndex: undefined,
    backward: context => {
      const { emit } = context;
      const quotient = emit.div(context.fullGradient, context.output());
      rule.backward(
        context.with([quotient], (tensor, gradient) =>
          context.addTo(tensor, emit.mul(context.value(tensor), gradient)),
        ),
      );
    },
  };
}

it('derives relevance propagation from the gradient rules: relevance is conserved', async () => {
  const rules: RuleSet = new Map([
    ...['Conv', 'Gemm', 'GlobalAveragePool'].map(op => [op, relevance(gradientRules.get(op)!)] as const),
    ['Relu', gradientRules.get('Identity')!],
    ['Flatten', gradientRules.get('Flatten')!],
  ]);
  const graph = network();
  const x = pseudoRandom([1, 2, 4, 4], 4);
  const facts = await factsByRunning(graph, { x });
  graph.inputs.push(makeValueInfo('seed', 'float32', [1, 2]));
  const { gradients } = differentiate({ graph, facts, seeds: { y: { gradient: 'seed' } }, wrt: ['x'], rules });
  const name = gradients.get('x')!;
  const scores = (await runGraph(network(), { x }, ['y'])).y!;
  const relevant = (await runGraph(graph, { x, seed: scores as never }, [name]))[name]!.data as Float32Array;
  const total = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0);
  expect(total(relevant)).toBeCloseTo(total(scores.data as Float32Array), 4);
});

it('replaces one rule: guided backpropagation clips what reaches every Relu', async () => {
  const relu = gradientRules.get('Relu')!;
  const guided: RuleSet = new Map(gradientRules).set('Relu', {
    ...relu,
    backward: context =>
      relu.backward(
        context.with([context.emit.unary('Relu', context.gradient)], (tensor, gradient) =>
          context.addTo(tensor, gradient),
        ),
      ),
  });
  const graph = network();
  const x = pseudoRandom([1, 2, 4, 4], 4);
  const facts = await factsByRunning(graph, { x });
  graph.inputs.push(makeValueInfo('seed', 'float32', [1, 2]));
  const seeds = { y: { gradient: 'seed' } };
  const plain = differentiate({ graph, facts, seeds, wrt: ['r', 'c'] });
  const clipped = differentiate({ graph, facts, seeds, wrt: ['c'], rules: guided });
  const names = [plain.gradients.get('r')!, plain.gradients.get('c')!, clipped.gradients.get('c')!];
  const outputs = await runGraph(graph, { x, seed: float32([1, 2], [1, -2]) }, names);
  const [upstream, through, kept] = names.map(name => outputs[name]!.data as Float32Array);
  const expected = through!.map((value, index) => (upstream![index]! > 0 ? value : 0));
  expect(relativeError(kept!, expected)).toBeLessThan(1e-6);
  expect(upstream!.some(value => value < 0)).toBe(true);
});
