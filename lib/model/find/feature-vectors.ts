import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { RESHAPING } from './class-names.ts';

const NORMALISING = new Set([
  ...['BatchNormalization', 'LayerNormalization', 'SimplifiedLayerNormalization', 'RMSNormalization'],
  ...['LpNormalization'],
]);
const ON_WHOLES = new Set([...RESHAPING, 'Gather', 'Slice', 'Transpose']);

/**
 * Whether a vector is what a network computes just before its classifier: divided by its length, normalised without a layer
 * behind that (ArcFace's last batch normalisation, a transformer's last norm), or the means of a residual sum, which no
 * convolution has turned into classes.
 */
export function isFeatureVector(graph: Graph, facts: FactTable, tensor: string): boolean {
  if (isUnitVector(graph, tensor)) return true;
  const node = before(graph, tensor);
  if (!node) return false;
  if (NORMALISING.has(node.op)) return true;
  if (node.op !== 'GlobalAveragePool' && node.op !== 'ReduceMean') return false;
  if ((facts.get(node.inputs[0]!)?.dims.length ?? 0) < 3) return false;
  const pooled = before(graph, node.inputs[0]!);
  const summed = pooled?.op === 'Relu' ? before(graph, pooled.inputs[0]!) : pooled;
  if (summed && NORMALISING.has(summed.op)) return true;
  return summed?.op === 'Add' && summed.inputs.every(name => !graph.initializers.has(name));
}

/** A vector divided by its length. */
export function isUnitVector(graph: Graph, tensor: string): boolean {
  const node = graph.producer(tensor);
  if (node?.op === 'LpNormalization') return true;
  return node?.op === 'Div' && isNorm(graph, node.inputs[1]!, node.inputs[0]!);
}

/** ‖x‖₂, perhaps clipped away from zero and expanded, as PyTorch's `normalize` is exported. */
function isNorm(graph: Graph, tensor: string, of: string): boolean {
  let node = graph.producer(tensor);
  while (node && ['Clip', 'Max', 'Expand', 'Identity'].includes(node.op)) node = graph.producer(node.inputs[0]!);
  return node?.op === 'ReduceL2' && node.inputs[0] === of;
}

function before(graph: Graph, tensor: string): GraphNode | undefined {
  let node = graph.producer(tensor);
  while (node?.domain === '' && ON_WHOLES.has(node.op)) node = graph.producer(node.inputs[0]!);
  return node;
}
