import { pushAll } from '../../common/sizes.ts';
import { dependentTensors } from '../graph/data-flow.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';

/** Affine in their first input, whatever the others. */
const AFFINE = new Set([
  'Identity',
  'Dropout',
  'Cast',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'GlobalAveragePool',
  'AveragePool',
  'ReduceMean',
  'ReduceSum',
  'BatchNormalization',
  'Slice',
  'Gather',
  'Pad',
  'Split',
  'Neg',
]);
/** Affine in all inputs together. */
const SUMS = new Set(['Add', 'Sub', 'Sum', 'Concat', 'Mean']);
/** Affine in one input while the others don't depend on the layer. */
const PRODUCTS = new Set(['Conv', 'Gemm', 'MatMul', 'Mul']);

/**
 * Whether the logits are an affine function of a layer, as behind global average pooling: then the gradient says exactly
 * how they change when the layer does.
 */
export function isAffineTail(graph: Graph, layer: string, logits: string): boolean {
  const dependent = dependentTensors(graph, [layer]);
  const pending = [logits];
  const seen = new Set<string>();
  while (pending.length > 0) {
    const tensor = pending.pop()!;
    if (tensor === layer || seen.has(tensor) || !dependent.has(tensor)) continue;
    seen.add(tensor);
    const node = graph.producer(tensor);
    if (!node || !isAffine(node, dependent)) return false;
    pushAll(pending, node.inputs);
  }
  return seen.size > 0;
}

function isAffine(node: GraphNode, dependent: ReadonlySet<string>): boolean {
  if (node.domain !== '') return false;
  const changing = node.inputs.filter(name => dependent.has(name));
  if (SUMS.has(node.op)) return true;
  if (node.op === 'Div') return !dependent.has(node.inputs[1]!);
  if (PRODUCTS.has(node.op)) return changing.length === 1;
  return AFFINE.has(node.op) && changing.length === 1 && changing[0] === node.inputs[0];
}
