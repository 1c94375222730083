import { dependentTensors, dominatingTensors, neededNodes } from '../graph/data-flow.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { ActivationPatterns } from './activation-pattern.ts';
import { findAttentions, inputsOfAttention } from './attention.ts';
import { type Axes, isPadded, isSpatial } from './axes.ts';
import { markBranches } from './branches.ts';
import type { ImageInput } from './input.ts';
import type { Layer } from './layer.ts';
import { findLayerNorms } from './layer-norm.ts';
import { type LayerPlacement, layerPlacement } from './layer-placement.ts';
import type { Logits } from './logits.ts';
import { afterQuantization, beforeQuantization } from './quantization.ts';
import { readsFrom, readsGrid } from './reads.ts';
import { traceAxes } from './trace-axes.ts';

export type { Layer } from './layer.ts';
export type { LayerLayout } from './layer-placement.ts';

/** They hand a tensor on, or only order it differently: the layer is the tensor behind them. */
const ALIASES = new Set(['Identity', 'Dropout', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);
/** Windows and heads become maps again through these. */
const REORDERING = new Set([...ALIASES, 'Transpose']);
/** They resize or reorder scores. */
const MOVING = new Set(['Resize', 'Upsample', 'Transpose']);
const TOKEN_OPERATORS = new Set(['LayerNormalization', 'Add']);
/**
 * Every tensor between input and logits that holds more than one position and more than one channel, in topological
 * order. What is quantised at once is listed as it is after that. The inner steps of composite activations (Sigmoid of x·Sigmoid(x)) and mere aliases (Identity, Dropout, Cast)
 * are left out, and so are the logits themselves where they have positions, at any size.
 */
export function listLayers(graph: Graph, facts: FactTable, input: ImageInput, logits: Logits): Layer[] {
  const dependent = dependentTensors(
    graph,
    graph.inputs.map(({ name }) => name),
  );
  const fromImage = dependentTensors(graph, [input.name]);
  // A mask that is another input makes no new features: behind it they are zero where it says so.
  const isMasked = ({ op, inputs }: GraphNode) =>
    op === 'Mul' && inputs.some(name => dependent.has(name) && !fromImage.has(name));
  const samples = graph.nodes.filter(({ op, inputs }) => op === 'GridSample' && fromImage.has(inputs[0]!));
  const sampled = dependentTensors(
    graph,
    samples.map(({ outputs }) => outputs[0]!),
  );
  const patterns = new ActivationPatterns(graph, name => !dependent.has(name));
  const norms = findLayerNorms(graph, name => !dependent.has(name));
  const axes = traceAxes(graph, facts, input);
  const onEveryPath = dominatingTensors(graph, [input.name], logits.tensor);
  const dominating = new Set(onEveryPath);
  const attended = new Set(
    findAttentions(graph, facts, axes).flatMap(found => inputsOfAttention(graph, facts, found, axes, norms.outputs)),
  );

  const reads = readsFrom(graph, facts, axes, logits.tensor);
  const scores = scoreTensors(graph, logits);
  const layers: Layer[] = [];
  for (const node of neededNodes(graph, [logits.tensor])) {
    const quantizes = beforeQuantization(graph, node.outputs[0]!);
    if (quantizes !== undefined && afterQuantization(graph, quantizes) !== node.outputs[0]) continue;
    const maker = quantizes === undefined ? node : graph.producer(quantizes);
    if (!maker) continue;
    const restored = dominating.has(node.outputs[0]!) ? restoredFrom(graph, axes, maker) : undefined;
    if (ALIASES.has(maker.op) && restored === undefined) continue;
    for (const name of node.outputs) {
      const known = facts.get(name);
      if (scores.has(name) || afterQuantization(graph, name) !== undefined) continue;
      if (!known?.type.includes('float') || !fromImage.has(name) || patterns.inner.has(name) || norms.inner.has(name))
        continue;
      const own = axes.get(name);
      const placement = own ? layerPlacement(own) : untracedTokens(node, known.dims);
      const geometry = placement && geometryOf(placement, known.dims);
      if (!geometry || geometry.channels < 2 || geometry.spatial.every(size => size === 1)) continue;
      layers.push({
        name,
        node: maker.name,
        quantizes,
        operator: maker.op,
        shape: known.dims,
        ...placement,
        ...geometry,
        dominating: dominating.has(name),
        postActivation: patterns.isPostActivation(restored ?? name) && !isMasked(maker),
        normalized: norms.outputs.has(quantizes ?? name),
        attended: attended.has(name),
        ...(own?.some(axis => axis.some(isPadded)) && { padded: true as const }),
        ...(sampled.has(name) && { sampled: true as const }),
        read: readsGrid(reads.get(name), placement.tokens),
      });
    }
  }
  const own = logits.spatial ? layers : withoutMadeUp(graph, layers, onEveryPath, axes);
  return markBranches(own, { graph, facts, axes, scores: logits.tensor });
}

/**
 * Layers behind a vector that everything passes through (global pooling, expanded again) have positions that say nothing of
 * the picture: they count as on no path where there are others.
 */
function withoutMadeUp(
  graph: Graph,
  layers: readonly Layer[],
  onEveryPath: readonly string[],
  axes: ReadonlyMap<string, Axes>,
): readonly Layer[] {
  const vector = onEveryPath.find(name => axes.get(name)?.every(axis => !isSpatial(axis)));
  const behind = vector === undefined ? undefined : dependentTensors(graph, [vector]);
  if (!behind || !layers.some(({ name }) => !behind.has(name))) return layers;
  return layers.filter(({ name }) => !behind.has(name));
}

/**
 * What a node makes maps or tokens of that were none (positions in windows, channels in heads) by reordering alone;
 * undefined for all other nodes.
 */
function restoredFrom(graph: Graph, axes: ReadonlyMap<string, Axes>, node: GraphNode): string | undefined {
  const before = axes.get(node.inputs[0] ?? '');
  if (!REORDERING.has(node.op) || !before?.some(isSpatial) || layerPlacement(before)) return undefined;
  let source: GraphNode | undefined = node;
  while (source && REORDERING.has(source.op)) source = graph.producer(source.inputs[0]!);
  const name = source?.outputs[0];
  // The maps are there already, in another order.
  return name !== undefined && layerPlacement(axes.get(name) ?? []) ? undefined : name;
}

/** The logits and what they are resized or reordered from, up to the classifier's own output. */
function scoreTensors(graph: Graph, { tensor, spatial }: Logits): ReadonlySet<string> {
  const scores = new Set<string>();
  if (!spatial) return scores;
  for (let name = tensor; ; ) {
    scores.add(name);
    const node = graph.producer(name);
    if (!node || !(MOVING.has(node.op) || ALIASES.has(node.op))) return scores;
    name = node.inputs[0]!;
  }
}

function geometryOf(
  { layout, tokens, frames }: LayerPlacement,
  dims: readonly number[],
): { channels: number; spatial: readonly number[] } {
  switch (layout) {
    case 'nchw':
    case 'ncdhw':
      return { channels: dims[1]!, spatial: dims.slice(2) };
    case 'frames':
      return { channels: dims[1]!, spatial: [frames!, ...dims.slice(2)] };
    case 'nhwc':
      return { channels: dims[3]!, spatial: dims.slice(1, 3) };
    case 'tokens':
      return { channels: dims[2]!, spatial: tokens?.grid ?? [dims[1]!] };
  }
}

/** Sequences of vectors whose positions could not be followed back to the picture: the grid is left to the user. */
function untracedTokens(node: GraphNode, dims: readonly number[]): LayerPlacement | undefined {
  return dims.length === 3 && TOKEN_OPERATORS.has(node.op) && dims[1]! > 1 ? { layout: 'tokens' } : undefined;
}
