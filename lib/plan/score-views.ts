import type { Seed } from '../autodiff/differentiate.ts';
import type { TensorFacts } from '../model/graph/facts.ts';
import { type Graph, makeNode } from '../model/graph/graph.ts';
import { codeOfType } from '../model/graph/tensor-values.ts';
import { makeValueInfo } from '../model/graph/value-info.ts';
import type { ScoreView } from '../targets/target.ts';
import { seedInput } from './plan.ts';
import type { ScoreHead } from './score-head.ts';

type Facts = Map<string, TensorFacts>;

/** The tensor of a score view of some logits [N, classes]; its nodes are differentiated with the rest. */
export function appendScoreView(graph: Graph, facts: Facts, head: ScoreHead, logits: string, view: ScoreView): string {
  const { dims } = facts.get(logits)!;
  const add = (op: string, inputs: string[], attributes = {}) => append(graph, facts, op, inputs, attributes, dims);
  const sigmoid = head.kind === 'sigmoid' || head.classes === 1;
  const logProbability = () =>
    sigmoid ? add('Neg', [add('Softplus', [add('Neg', [logits])])]) : add('LogSoftmax', [logits], { axis: 1 });
  switch (view) {
    case 'logit':
      return logits;
    case 'probability':
      return sigmoid ? add('Sigmoid', [logits]) : add('Softmax', [logits], { axis: 1 });
    case 'logProbability':
      return logProbability();
    case 'rest':
      return add('Add', [logits, logProbability()]);
  }
}

/**
 * Score views of some logits with a seed each that is fed: a weight for every class of every row, float32 [rows, classes].
 * @param declared name of a dynamic number of rows, where the runtime shall know that it is another input's
 */
export function appendDenseSeeds(
  graph: Graph,
  facts: Facts,
  head: ScoreHead,
  logits: string,
  {
    views,
    rows,
    declared,
  }: { readonly views: readonly ScoreView[]; readonly rows: number; readonly declared?: string },
): Record<string, Seed> {
  const { type, dims } = facts.get(logits)!;
  const seedDims = [rows, dims[1]!];
  return Object.fromEntries(
    views.map(view => {
      const name = seedInput(view);
      if (!facts.has(name)) graph.inputs.push(makeValueInfo(name, 'float32', [declared ?? rows, dims[1]!]));
      facts.set(name, { type: 'float32', dims: seedDims });
      const gradient =
        type === 'float32' ? name : append(graph, facts, 'Cast', [name], { to: codeOfType(type) }, seedDims, type);
      return [appendScoreView(graph, facts, head, logits, view), { gradient }];
    }),
  );
}

function append(
  graph: Graph,
  facts: Facts,
  op: string,
  inputs: string[],
  attributes: Record<string, number>,
  dims: readonly number[],
  type = facts.get(inputs[0]!)!.type,
): string {
  const name = `onnx_cam/score/${graph.nodes.length}`;
  graph.append(makeNode(op, inputs, [name], attributes));
  facts.set(name, { type, dims });
  return name;
}
