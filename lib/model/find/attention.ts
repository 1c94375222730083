import { pushAll } from '../../common/sizes.ts';
import { behindAliases } from '../graph/constant-chain.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { type Axes, isSpatial, sequenceOf, type TokenGrid } from './axes.ts';
import { layerPlacement } from './layer-placement.ts';
import { rollOf } from './roll.ts';

/** Probabilities with which queries look at keys: softmax over the keys, then multiplied with the values. */
export interface Attention {
  /** Tensor [N, heads, queries, keys], or [N·heads, queries, keys]. */
  readonly tensor: string;
  readonly node: GraphNode;
  /** Where the keys are in the picture. */
  readonly keys: TokenGrid;
  /** Where the queries are; undefined for a class token alone. */
  readonly queries: TokenGrid | undefined;
  /** Every query looks at all keys; false for attention inside windows. */
  readonly global: boolean;
}

/** Operators that keep their probabilities to themselves. */
const FUSED = new Set([
  'Attention',
  'MultiHeadAttention',
  'PackedAttention',
  'PackedMultiHeadAttention',
  'GroupQueryAttention',
  'QAttention',
  'FlashAttention',
]);

/** Fused attention operators: their probabilities are no tensors of the graph. */
export function fusedAttentions(graph: Graph): GraphNode[] {
  return graph.nodes.filter(({ op }) => FUSED.has(op));
}

/**
 * Attention over positions of the picture, in the order of the network. It is recognised by its form, MatMul → … →
 * Softmax over the last axis → MatMul with the values, and by what that axis stands for: softmaxes over channels are not
 * among them.
 */
export function findAttentions(graph: Graph, facts: FactTable, axes: ReadonlyMap<string, Axes>): Attention[] {
  const found: Attention[] = [];
  for (const node of graph.nodes) {
    if (node.op !== 'Softmax' || node.domain !== '') continue;
    const [tensor] = node.outputs as [string];
    const own = axes.get(tensor);
    const rank = facts.get(tensor)?.dims.length ?? 0;
    const axis = node.attributes.int('axis', graph.opset >= 13 ? -1 : 1);
    if (!own || rank < 3 || (axis !== -1 && axis !== rank - 1)) continue;
    const keys = sequenceOf(own.at(-1)!);
    const reader = graph.consumers(tensor).map(consumer => readerBehindAliases(graph, consumer));
    if (!keys || !reader.some(consumer => consumer?.op === 'MatMul')) continue;
    found.push({ tensor, node, keys, queries: sequenceOf(own.at(-2)!), global: !own.slice(0, -2).some(isSpatial) });
  }
  return found;
}

/** Transpose: v·aᵀ instead of a·v, of attention with channels first. */
const HANDED_ON = new Set(['Dropout', 'Identity', 'Cast', 'Transpose']);

function readerBehindAliases(graph: Graph, node: GraphNode): GraphNode | undefined {
  let reader: GraphNode | undefined = node;
  while (reader && HANDED_ON.has(reader.op)) reader = graph.consumers(reader.outputs[0]!)[0];
  return reader;
}

/** Steps that make queries and keys of an attention's input: the projection, pooling, its split into heads, rotary embeddings, … */
const PROJECTION =
  /^(MatMul|Gemm|Conv|MaxPool|AveragePool|BatchNormalization|Add|Mul|Div|Sub|Neg|Reshape|Transpose|Squeeze|Unsqueeze|Split|Slice|Gather|Concat|Pad|Flatten)$/;

/**
 * The tensors with whole vectors for the positions that an attention looks at: layer normalisations, mostly. Those that its
 * queries are projections of, or where these come from elsewhere (class tokens of their own, latents, queries of the whole
 * stage) those that its keys are.
 * @param norms outputs of layer normalisations
 */
export function inputsOfAttention(
  graph: Graph,
  facts: FactTable,
  { node }: Attention,
  axes: ReadonlyMap<string, Axes>,
  norms: ReadonlySet<string>,
): string[] {
  const dataOf = ({ inputs }: GraphNode) => inputs.filter(name => axes.has(name));
  let scores: GraphNode | undefined = node;
  while (scores && scores.op !== 'MatMul') scores = graph.producer(dataOf(scores)[0] ?? '');
  const [queries, keys] = (scores?.inputs ?? []).map(name =>
    axes.has(name) ? projectedFrom(name, { graph, facts, axes, norms }) : [],
  );
  if (!queries || !keys || keys.length === 0) return queries ?? [];
  return queries.some(name => keys.some(key => isOfOneBlock(graph, axes, name, key))) ? queries : keys;
}

/** The second is the first, or made of it without a residual sum: keys of fewer positions are, with a normalisation of their own. */
function isOfOneBlock(graph: Graph, axes: ReadonlyMap<string, Axes>, query: string, key: string): boolean {
  const seen = new Set<string>();
  const pending = [key];
  while (pending.length > 0) {
    const name = pending.pop()!;
    if (name === query) return true;
    const producer = seen.has(name) ? undefined : graph.producer(name);
    seen.add(name);
    const data = producer?.inputs.filter(input => axes.has(input)) ?? [];
    if (producer?.op !== 'Add' || data.length < 2) pushAll(pending, data);
  }
  return false;
}

interface Found {
  readonly graph: Graph;
  readonly facts: FactTable;
  readonly axes: ReadonlyMap<string, Axes>;
  readonly norms: ReadonlySet<string>;
}

function projectedFrom(from: string, { graph, facts, axes, norms }: Found): string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const pending = [from];
  while (pending.length > 0) {
    const tensor = behindAliases(graph, pending.pop()!);
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    const producer = graph.producer(tensor);
    if (!producer) continue;
    const roll = rollOf(graph, facts, producer);
    const data = roll ? [roll.source] : producer.inputs.filter(name => axes.has(name));
    const step = !norms.has(tensor) && PROJECTION.test(producer.op) && data.length === 1;
    if (!step && layerPlacement(axes.get(tensor)!)) found.add(tensor);
    // Normalised inside windows: what lies before are features of another block. Queries normalised in heads go on.
    else if (!norms.has(tensor) || inHeads(axes.get(tensor)!)) pushAll(pending, data.reverse());
  }
  return [...found];
}

/** The channels of a position lie on several axes, or beside the images on the first. */
const inHeads = (axes: Axes): boolean => axes.filter(axis => axis.some(({ kind }) => kind === 'channel')).length > 1;
