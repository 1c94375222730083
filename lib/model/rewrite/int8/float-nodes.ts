import { elementCount } from '../../../engine/tensor.ts';
import { constantWeight } from '../../graph/constant-chain.ts';
import type { FactTable } from '../../graph/facts.ts';
import type { Graph, GraphNode } from '../../graph/graph.ts';
import { dimsOf } from '../../graph/tensor-values.ts';

const WEIGHTED: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Up to so many channels a convolution reads pictures. */
const PICTURE_CHANNELS = 4;

/**
 * The first multiplications of a graph that stay float, as a share of all. All that follows inherits their error: of
 * EfficientNet-Lite0's, six sevenths of the variance come from the second block, an eighth of the multiplications.
 */
const EARLY = 1 / 8;

/**
 * Weighted nodes that stay float: convolutions of pictures, depthwise ones right behind them, further ones while they are
 * {@link EARLY}, and the last before each output.
 */
export function floatNodes(graph: Graph, facts: FactTable): ReadonlySet<GraphNode> {
  return new Set([...lastWeighted(graph), ...firstConvolutions(graph), ...earlyNodes(graph, facts)]);
}

function earlyNodes(graph: Graph, facts: FactTable): GraphNode[] {
  const weighted = graph.nodes.filter(isWeighted);
  const costs = weighted.map(node => multiplications(graph, facts, node));
  const bound = EARLY * costs.reduce((sum, cost) => sum + cost, 0);
  let done = 0;
  const late = costs.findIndex(cost => (done += cost) > bound);
  return late < 0 ? [] : weighted.slice(0, late);
}

/** Of one image; 0 where it is not known. */
function multiplications(graph: Graph, facts: FactTable, { op, inputs, outputs }: GraphNode): number {
  const weight = constantWeight(graph, inputs[1] ?? '');
  const dims = facts.get(outputs[0]!)?.dims;
  if (!weight || !dims) return 0;
  const positions = op === 'Conv' || op === 'ConvTranspose' ? dims.slice(2) : dims.slice(1, -1);
  return elementCount(dimsOf(weight)) * Math.abs(elementCount(positions));
}

const isWeighted = ({ op, domain }: GraphNode): boolean => domain === '' && WEIGHTED.has(op);

/** Convolutions of pictures, and depthwise ones that read what comes of them. */
function firstConvolutions(graph: Graph): GraphNode[] {
  const first: GraphNode[] = [];
  /** Weighted nodes before a tensor, as far as it matters: none, a convolution of pictures, more. */
  const before = new Map<string, number>();
  for (const node of graph.nodes) {
    const level = node.inputs.reduce((most, name) => Math.max(most, before.get(name) ?? 0), 0);
    for (const output of node.outputs) before.set(output, Math.min(level + (isWeighted(node) ? 1 : 0), 2));
    const weight = node.op === 'Conv' ? constantWeight(graph, node.inputs[1] ?? '') : undefined;
    if (!weight) continue;
    const depth = Number(weight.dims[1]);
    const channels = depth * node.attributes.int('group', 1);
    if (level === 0 ? channels <= PICTURE_CHANNELS : level === 1 && depth === 1) first.push(node);
  }
  return first;
}

/** Weighted nodes with no other behind them. */
function lastWeighted(graph: Graph): ReadonlySet<GraphNode> {
  const followed = new Set<string>();
  const last = new Set<GraphNode>();
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    const behind = node.outputs.some(output => followed.has(output));
    const weighted = isWeighted(node);
    if (weighted && !behind) last.add(node);
    if (weighted || behind) for (const input of node.inputs) followed.add(input);
  }
  return last;
}
