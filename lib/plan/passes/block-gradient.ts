import { scale } from '../../autodiff/blocked.ts';
import { expand } from '../../autodiff/broadcast.ts';
import { differentiationSteps } from '../../autodiff/differentiate.ts';
import { Emitter } from '../../autodiff/emitter.ts';
import { reduceSum } from '../../autodiff/forms.ts';
import { dependentTensors, neededNodes } from '../../model/graph/data-flow.ts';
import { orNameAlternatives } from '../no-gradient.ts';
import type { BlockEnd } from '../target-layer.ts';
import type { AppendedLayers, Pass, PassWriter } from './pass.ts';

/**
 * The gradient, with respect to a block's attention, of the score that the head gives to the block's own tokens. The class
 * is the same for all blocks: a rank is one among the network's own logits.
 */
export const blockGradient: Pass = {
  wanted: ({ gradients }) => gradients === 'block',
  of: 'layer',
  backward: true,
  as: 'gradients',
  *append(writer, layers) {
    const appended: AppendedLayers = [];
    for (const layer of layers) {
      const { graph, facts, manyScores, blocks } = writer;
      const seeds = writer.seedsOf(appendBlockLogits(writer, layer.block!));
      const found = yield* orNameAlternatives(
        differentiationSteps({ graph, facts, seeds, wrt: [layer.name], manyScores, blocks, prefix: 'block-gradient' }),
      );
      writer.learn(found.facts);
      appended.push([layer.name, writer.featureMaps(found.gradients.get(layer.name)!, layer)]);
    }
    return appended;
  },
};

/**
 * Appends the logits that the network's head gives to the mean of a block's tokens: every token is replaced by the mean,
 * so that it doesn't matter which of them the head pools.
 * @returns the tensor of the same shape as `logits`
 */
function appendBlockLogits({ graph, facts, logits }: PassWriter, { stream, last }: BlockEnd): string {
  const emit = new Emitter(graph, facts, 'block');
  const tokens = { name: stream, ...facts.get(stream)! };
  const mean = expand(emit, scale(emit, reduceSum(emit, tokens, [1]), 1 / tokens.dims[1]!), tokens);
  for (const [name, known] of emit.facts) facts.set(name, known);

  const copies = new Map([[last, mean.name]]);
  const dependent = dependentTensors(graph, [last]);
  for (const node of neededNodes(graph, [logits], new Set([last]))) {
    if (!node.outputs.some(name => dependent.has(name))) continue;
    for (const name of node.outputs.filter(Boolean)) {
      const copy = `${mean.name}/${name}`;
      copies.set(name, copy);
      facts.set(copy, facts.get(name)!);
    }
    const renamed = (names: readonly string[]) => names.map(name => copies.get(name) ?? name);
    graph.append({ ...node, name: '', inputs: renamed(node.inputs), outputs: renamed(node.outputs) });
  }
  return copies.get(logits)!;
}
