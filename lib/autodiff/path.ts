import type { AttributeProto, GraphProto } from 'onnx-buf';
import type { FactTable } from '../model/graph/facts.ts';
import type { Graph, GraphNode } from '../model/graph/graph.ts';
import { operatorOf, type RuleSet } from './rule.ts';
import { isFloat } from './value.ts';

/** What lies between the tensors to differentiate with respect to and the scores. */
export interface Path {
  /** Nodes on the way, in topological order. */
  readonly nodes: readonly GraphNode[];
  /** Tensors on the way, the ends included: those that get a gradient. */
  readonly tensors: ReadonlySet<string>;
}

/**
 * Forward reach from `wrt` through differentiable inputs, intersected with backward reach from `scores`. An operator
 * without a rule counts as differentiable in all its floating-point inputs, so that it is found and can be named.
 */
export function findPath(
  graph: Pick<Graph, 'nodes'>,
  facts: FactTable,
  rules: RuleSet,
  scores: readonly string[],
  wrt: readonly string[],
): Path {
  const reached = new Set(wrt);
  const candidates: { node: GraphNode; sources: string[]; results: string[] }[] = [];
  for (const node of graph.nodes) {
    const sources = differentiableInputs(node, facts, rules).filter(input => reached.has(input));
    if (sources.length === 0) continue;
    const results = node.outputs.filter(output => output && carriesGradient(node, output, facts));
    for (const output of results) reached.add(output);
    candidates.push({ node, sources, results });
  }
  const needed = new Set(scores.filter(score => reached.has(score)));
  const nodes: GraphNode[] = [];
  for (const { node, sources, results } of candidates.reverse()) {
    if (!results.some(result => needed.has(result))) continue;
    nodes.push(node);
    for (const source of sources) needed.add(source);
  }
  return { nodes: nodes.reverse(), tensors: needed };
}

/**
 * Where the way from a tensor to the scores stops being differentiable: nodes that gradients of the tensor's followers
 * reach, that the scores depend on, and that no gradient passes.
 */
export function findBarriers(
  graph: Graph,
  facts: FactTable,
  rules: RuleSet,
  scores: readonly string[],
  wrt: string,
): GraphNode[] {
  const needed = new Set(scores);
  for (const node of [...graph.nodes].reverse())
    if (node.outputs.some(output => needed.has(output)))
      for (const input of [...node.inputs, ...capturedInputs(node)]) needed.add(input);
  const reached = new Set([wrt]);
  const barriers: GraphNode[] = [];
  for (const node of graph.nodes) {
    if (!node.inputs.some(input => reached.has(input)) || !node.outputs.some(output => needed.has(output))) continue;
    const passes = differentiableInputs(node, facts, rules).some(input => reached.has(input));
    const results = passes ? node.outputs.filter(output => output && carriesGradient(node, output, facts)) : [];
    // Everything has a shape; that it is read says nothing.
    if (results.length === 0 && node.op !== 'Shape') barriers.push(node);
    for (const result of results) reached.add(result);
  }
  return barriers;
}

/** Inputs a gradient may flow to: those of the rule that hold floats, or a quantised image of floats. */
function differentiableInputs(node: GraphNode, facts: FactTable, rules: RuleSet): string[] {
  if (ZERO_GRADIENT.has(node.op) && !node.domain) return [];
  const rule = rules.get(operatorOf(node));
  if (rule?.isConstant?.(node)) return [];
  const inputs = rule?.inputs ? rule.inputs.map(position => node.inputs[position] ?? '') : node.inputs;
  const outer = rule ? [] : capturedInputs(node);
  return [...inputs, ...outer].filter(input => {
    const type = facts.get(input)?.type;
    return input !== '' && (node.op === 'DequantizeLinear' || type === undefined || isFloat(type));
  });
}

function carriesGradient(node: GraphNode, output: string, facts: FactTable): boolean {
  const type = facts.get(output)?.type;
  // Its scale and zero point follow the extremes of the tensor; straight through they are constants.
  if (node.op === 'DynamicQuantizeLinear') return output === node.outputs[0];
  return node.op === 'QuantizeLinear' || type === undefined || isFloat(type);
}

/** Operators with floating-point results that are constant wherever they have a derivative. */
export const ZERO_GRADIENT: ReadonlySet<string> = new Set([
  'Bernoulli',
  'BlackmanWindow',
  'Ceil',
  'Constant',
  'ConstantOfShape',
  'EyeLike',
  'Floor',
  'HammingWindow',
  'HannWindow',
  'Hardmax',
  'MelWeightMatrix',
  'OneHot',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Range',
  'Round',
  'Sign',
  'TfIdfVectorizer',
]);

/** Outer tensors that the branches and bodies of a control flow node read. */
function capturedInputs(node: GraphNode): string[] {
  const bodies = node.attributes.protos.flatMap(graphsOf);
  return bodies.flatMap(body => outerInputs(body));
}

function outerInputs(body: GraphProto): string[] {
  const inner = new Set([...body.input, ...body.initializer].map(item => item.name));
  for (const node of body.node) for (const output of node.output) inner.add(output);
  const read = body.node.flatMap(node => [...node.input, ...node.attribute.flatMap(graphsOf).flatMap(outerInputs)]);
  return [...read, ...body.output.map(item => item.name)].filter(name => name && !inner.has(name));
}

const graphsOf = (attribute: AttributeProto): GraphProto[] => [
  ...(attribute.g ? [attribute.g] : []),
  ...attribute.graphs,
];
