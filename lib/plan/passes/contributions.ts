import { differentiationSteps } from '../../autodiff/differentiate.ts';
import { Emitter } from '../../autodiff/emitter.ts';
import { appendReference } from '../../autodiff/reference.ts';
import { deepLiftPatterns, deepLiftRules } from '../../autodiff/rulesets/deep-lift.ts';
import type { Steps } from '../../common/slices.ts';
import { byRules } from './by-rules.ts';
import type { AppendedLayers, Pass, PassWriter } from './pass.ts';

/** DeepLIFT's contributions against zeros, multiplier · A; every layer has a reference run of its own. */
export const contributions: Pass = {
  wanted: ({ attributions }) => attributions === 'contributions',
  of: 'layer',
  backward: true,
  as: 'attributions',
  *append(writer, layers) {
    const appended: AppendedLayers = [];
    for (const layer of layers)
      appended.push([layer.name, writer.featureMaps(yield* appendContributions(writer, layer.name), layer)]);
    return appended;
  },
};

/** From the scores to one layer, with a run of the nodes behind it on zeros as reference. */
function* appendContributions(writer: PassWriter, layer: string): Steps<string> {
  const { graph, facts, seeds, manyScores, blocks } = writer;
  const reference = appendReference(graph, facts, layer, Object.keys(seeds));
  const found = yield* byRules(
    'DeepLIFT',
    differentiationSteps({
      graph,
      facts: reference.facts,
      seeds,
      wrt: [layer],
      rules: deepLiftRules(reference),
      patterns: deepLiftPatterns(reference),
      manyScores,
      blocks,
      prefix: 'multiplier',
    }),
  );
  const emit = new Emitter(graph, found.facts, 'contribution');
  const toValue = (name: string) => ({ name, ...emit.facts.get(name)! });
  const product = emit.mul(toValue(found.gradients.get(layer)!), toValue(layer));
  writer.learn(emit.facts);
  return product.name;
}
