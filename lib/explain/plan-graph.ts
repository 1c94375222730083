import { TensorProto_DataType as DataType } from 'onnx-buf';
import { differentiate, type Seed } from '../autodiff/differentiate.ts';
import { appendClassSeed } from '../autodiff/seed.ts';
import { expose } from '../model/expose.ts';
import type { FactTable, TensorFacts } from '../model/facts.ts';
import { type Graph, type GraphNode, makeNode } from '../model/graph.ts';
import type { LayerInfo } from '../model/layers.ts';
import type { Model } from '../model/load-model.ts';
import { makeTensorProto } from '../model/tensor-values.ts';
import { makeValueInfo } from '../model/value-info.ts';
import type { ScoreView } from '../targets/target.ts';
import { CLASS_INPUT, type NetworkPlan, seedInput } from './plan.ts';

/** A model rewritten to give what a plan asks for. */
export interface PlannedGraph {
  readonly graph: Graph;
  /** Output names. Logits come as [N, classes], feature maps as [N, C, …positions], everything as float32. */
  readonly logits: string;
  readonly activations: ReadonlyMap<string, string>;
  readonly gradients: ReadonlyMap<string, string>;
}

/**
 * Adds to a copy of the model's graph: outputs for the activations, the score views, the backward nodes, and the
 * conversions that make every layout NCHW and every type float32.
 * @throws `ERR_NO_GRADIENT` when an operator on the way has no rule.
 */
export function planGraph(model: Model, layers: readonly LayerInfo[], plan: NetworkPlan): PlannedGraph {
  const graph = model.graph.clone();
  graph.outputs.length = 0;
  const facts = new Map(model.facts);
  const head = model.head(plan.output);
  feedFloat32(graph, facts, model.input.name);
  const logits = asRows(graph, facts, head.logits);
  const gradients = plan.seed ? appendGradients(graph, facts, logits, layers, plan) : new Map<string, string>();
  const output = (name: string, tensor: string): string => {
    const exposed = expose(graph, tensor, name);
    graph.outputs.push(makeValueInfo(exposed, 'float32'));
    return exposed;
  };
  const activations = new Map(
    layers
      .filter(({ name }) => plan.activations.includes(name))
      .map((layer, index) => [
        layer.name,
        output(`onnx_cam/activations/${index}`, asFeatureMaps(graph, facts, layer.name, layer)),
      ]),
  );
  return {
    graph,
    logits: output('onnx_cam/logits', asFloat32(graph, facts, logits)),
    activations,
    gradients: new Map([...gradients].map(([layer, tensor], i) => [layer, output(`onnx_cam/gradients/${i}`, tensor)])),
  };
}

/** Layer name to the tensor with its gradient as feature maps. */
function appendGradients(
  graph: Graph,
  facts: Map<string, TensorFacts>,
  logits: string,
  layers: readonly LayerInfo[],
  plan: NetworkPlan,
): Map<string, string> {
  const seeds = appendSeeds(graph, facts, logits, plan);
  const wanted = layers.filter(({ name }) => plan.gradients.includes(name));
  const differentiation = differentiate({
    graph,
    facts,
    seeds,
    wrt: wanted.map(({ name }) => name),
    lazy: wanted.every(({ layout }) => layout !== 'tokens'),
    manyScores: plan.manyScores,
  });
  for (const [name, known] of differentiation.facts) facts.set(name, known);
  return new Map(
    wanted.map(layer => [layer.name, asFeatureMaps(graph, facts, differentiation.gradients.get(layer.name)!, layer)]),
  );
}

function appendSeeds(
  graph: Graph,
  facts: Map<string, TensorFacts>,
  logits: string,
  { seed, manyScores }: NetworkPlan,
): Record<string, Seed> {
  if (!seed) return {};
  const { type, dims } = facts.get(logits)!;
  const rows = manyScores ? -1 : dims[0]!;
  if (seed.kind === 'index') {
    graph.inputs.push(makeValueInfo(CLASS_INPUT, 'int64', [rows === -1 ? 'scores' : rows]));
    facts.set(CLASS_INPUT, { type: 'int64', dims: [rows] });
    const index = appendClassSeed(graph, facts, logits, { classInput: CLASS_INPUT });
    return { [appendView(graph, facts, logits, seed.view)]: { index } };
  }
  return Object.fromEntries(
    seed.views.map(view => {
      const name = seedInput(view);
      graph.inputs.push(makeValueInfo(name, 'float32', [rows === -1 ? 'scores' : rows, dims[1]!]));
      facts.set(name, { type: 'float32', dims: [rows, dims[1]!] });
      return [appendView(graph, facts, logits, view), { gradient: cast(graph, facts, name, type) }];
    }),
  );
}

/** The tensor of a score view; its nodes are differentiated with the rest. */
function appendView(graph: Graph, facts: Map<string, TensorFacts>, logits: string, view: ScoreView): string {
  const add = (op: string, inputs: string[], attributes = {}): string => {
    const name = `onnx_cam/${view}/${op}`;
    graph.append(makeNode(op, inputs, [name], attributes));
    facts.set(name, facts.get(logits)!);
    return name;
  };
  const classes = facts.get(logits)!.dims[1]!;
  const logProbability = () =>
    classes === 1 ? add('Neg', [add('Softplus', [add('Neg', [logits])])]) : add('LogSoftmax', [logits], { axis: 1 });
  switch (view) {
    case 'logit':
      return logits;
    case 'probability':
      return classes === 1 ? add('Sigmoid', [logits]) : add('Softmax', [logits], { axis: 1 });
    case 'logProbability':
      return logProbability();
    case 'rest':
      return add('Add', [logits, logProbability()]);
  }
}
