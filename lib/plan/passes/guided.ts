import { differentiationSteps } from '../../autodiff/differentiate.ts';
import { gradientPatterns } from '../../autodiff/rules/index.ts';
import { guidedRules } from '../../autodiff/rulesets/guided.ts';
import { orNameAlternatives } from '../no-gradient.ts';
import type { Pass } from './pass.ts';

/** The gradient at the model's input by guided backpropagation. */
export const guided: Pass = {
  wanted: needs => needs.guided === true,
  of: 'input',
  backward: true,
  as: 'guided',
  *append(writer, layers) {
    const { graph, facts, seeds, manyScores, blocks } = writer;
    const found = yield* orNameAlternatives(
      differentiationSteps({
        graph,
        facts,
        seeds,
        wrt: layers.map(({ name }) => name),
        rules: guidedRules,
        patterns: gradientPatterns,
        manyScores,
        blocks,
        prefix: 'guided',
      }),
    );
    writer.learn(found.facts);
    return layers.map(layer => [layer.name, writer.featureMaps(found.gradients.get(layer.name)!, layer)]);
  },
};
