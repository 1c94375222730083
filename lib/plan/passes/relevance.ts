import { differentiationSteps } from '../../autodiff/differentiate.ts';
import { relevanceRules } from '../../autodiff/rulesets/relevance.ts';
import { appendContrast } from '../../autodiff/seed.ts';
import { OnnxCamError } from '../../common/errors.ts';
import { byRules } from './by-rules.ts';
import type { Pass } from './pass.ts';

/** Relevance propagated from the logits to the layers: of the class against all others. */
export const relevance: Pass = {
  wanted: ({ attributions }) => attributions === 'relevance',
  of: 'layer',
  backward: true,
  as: 'attributions',
  *append(writer, layers) {
    const { graph, facts, logits, manyScores, blocks } = writer;
    const { [logits]: seed, ...views } = writer.seeds;
    if (!seed || Object.keys(views).length > 0)
      throw new OnnxCamError(
        'ERR_METHOD_UNSUPPORTED',
        'relevance starts from logits: relevance-cam takes no probability or other function of them as target',
      );
    const contrast = appendContrast(graph, facts, logits, seed);
    const found = yield* byRules(
      'relevance propagation',
      differentiationSteps({
        graph,
        facts: contrast.facts,
        seeds: { [logits]: contrast.seed },
        wrt: layers.map(({ name }) => name),
        rules: relevanceRules,
        manyScores,
        blocks,
        prefix: 'relevance',
      }),
    );
    writer.learn(found.facts);
    return layers.map(layer => [layer.name, writer.featureMaps(found.gradients.get(layer.name)!, layer)]);
  },
};
