import { differentiationSteps } from '../../autodiff/differentiate.ts';
import { findPath } from '../../autodiff/path.ts';
import { gradientRules } from '../../autodiff/rules/index.ts';
import { makeNode } from '../../model/graph/graph.ts';
import type { AppendedLayers, Pass, PassWriter } from './pass.ts';

/**
 * H·A, H the second derivative of the score: the gradient of Σ G·A with the second factor held fast. A layer that its
 * gradient doesn't depend on is left out.
 */
export const curvature: Pass = {
  wanted: ({ gradients }) => gradients === 'second',
  of: 'layer',
  backward: true,
  as: 'curvature',
  *append(writer, layers) {
    const appended: AppendedLayers = [];
    for (const layer of layers) {
      const { graph, facts, manyScores, blocks } = writer;
      const { name } = layer;
      const gradient = writer.wholeGradient(name);
      if (!findPath(graph, facts, gradientRules, [gradient], [name]).tensors.has(name)) continue;
      const found = yield* differentiationSteps({
        graph,
        facts,
        seeds: { [gradient]: { gradient: repeatedAs(writer, name, gradient) } },
        wrt: [name],
        manyScores,
        blocks,
        prefix: 'curvature',
      });
      writer.learn(found.facts);
      appended.push([name, writer.featureMaps(found.gradients.get(name)!, layer)]);
    }
    return appended;
  },
};

/** A layer's tensor, where several scores of one image are asked for once for each row of `gradient`. */
function repeatedAs({ graph, facts, manyScores }: PassWriter, tensor: string, gradient: string): string {
  if (!manyScores) return tensor;
  const name = `onnx_cam/repeated/${tensor}`;
  const { type, dims } = facts.get(gradient)!;
  graph.append(makeNode('Shape', [gradient], [`${name}/shape`]));
  graph.append(makeNode('Expand', [tensor, `${name}/shape`], [name]));
  facts.set(`${name}/shape`, { type: 'int64', dims: [dims.length] });
  facts.set(name, { type, dims });
  return name;
}
