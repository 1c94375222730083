import { toInt64s } from '../common/sizes.ts';
import { neededNodes } from '../model/graph/data-flow.ts';
import { type Graph, type GraphNode, makeNode } from '../model/graph/graph.ts';
import { makeTensorProto } from '../model/graph/tensor-values.ts';

const PREFIX = 'onnx_cam_square';

/**
 * Gives nodes that were added to a model square weights of their own where they multiply by what the model multiplies by the other
 * way round. OpenVINO (2026.4) keeps weights that it has rearranged by the constant and its shape, so that of x·W and g·Wᵀ of one
 * square W both get the same. Reshapes around a transpose of three axes are a constant of its own there, since no product takes them
 * in; ONNX Runtime computes them when it loads the file.
 * @param own nodes of the model itself, which stay as they are
 */
export function separateSquareWeights(graph: Graph, own: ReadonlySet<string>): void {
  const uses = new Map<string, Set<boolean>>();
  for (const node of graph.nodes) {
    const use = useOf(graph, node);
    if (use) uses.set(use.weight, (uses.get(use.weight) ?? new Set()).add(use.turned));
  }
  const separated = new Map<string, string>();
  const nodes = graph.nodes.flatMap(node => {
    const use = own.has(node.outputs[0]!) ? undefined : useOf(graph, node);
    if (!use || uses.get(use.weight)!.size < 2) return [node];
    const { weight, turned } = use;
    const transposed = node.op === 'Gemm' && node.attributes.int('transB', 0) !== 0 ? !turned : turned;
    const key = `${weight} ${transposed}`;
    const added = separated.has(key) ? [] : ownWeight(graph, weight, transposed, separated.size);
    const name = separated.get(key) ?? added.at(-1)!.outputs[0]!;
    separated.set(key, name);
    return [...added, { ...node, inputs: node.inputs.map((input, i) => (i === 1 ? name : input)) }];
  });
  if (separated.size === 0) return;
  graph.replaceNodes(nodes);
  // Transposes in whose place others came are needed no more.
  const names = graph.outputs.map(({ name }) => name);
  graph.replaceNodes(neededNodes(graph, names));
}

/** The square weight that a product has on its right, and whether it is multiplied by as its transpose. */
function useOf(graph: Graph, { op, inputs, attributes }: GraphNode): { weight: string; turned: boolean } | undefined {
  if (op !== 'MatMul' && op !== 'Gemm') return undefined;
  const [, right = ''] = inputs;
  const made = graph.producer(right);
  const isTransposed = made?.op === 'Transpose';
  const weight = isTransposed ? made.inputs[0]! : right;
  const dims = graph.initializers.get(weight)?.dims;
  if (dims?.length !== 2 || dims[0] !== dims[1]) return undefined;
  return { weight, turned: isTransposed !== (op === 'Gemm' && attributes.int('transB', 0) !== 0) };
}

/** Nodes that make a weight, or its transpose, anew; the last one gives it. */
function ownWeight(graph: Graph, weight: string, transposed: boolean, index: number): GraphNode[] {
  const side = Number(graph.initializers.get(weight)!.dims[0]);
  const name = (part: string) => `${PREFIX}${index}/${part}`;
  for (const [part, dims] of Object.entries({ volume: [side, side, 1], plane: [side, side] }))
    graph.initializers.set(name(part), makeTensorProto(name(part), 'int64', [dims.length], toInt64s(dims)));
  const nodes = [
    makeNode('Reshape', [weight, name('volume')], [name('Reshape_0')]),
    makeNode('Transpose', [name('Reshape_0')], [name('Transpose_1')], { perm: [1, 0, 2] }),
    makeNode('Reshape', [name('Transpose_1'), name('plane')], [name('Reshape_2')]),
  ];
  return transposed
    ? nodes
    : [...nodes, makeNode('Transpose', [name('Reshape_2')], [name('Transpose_3')], { perm: [1, 0] })];
}
