import { ActivationPatterns } from './activation-pattern.ts';
import { dependentTensors, dominatingTensors, neededNodes } from './data-flow.ts';
import type { FactTable } from './facts.ts';
import type { Graph, GraphNode } from './graph.ts';
import type { ImageInput } from './input.ts';
import type { Logits } from './logits.ts';

/** Order of a layer's axes: feature maps, channels last, volumes, or tokens [N,T,D]. */
export type LayerLayout = 'nchw' | 'nhwc' | 'ncdhw' | 'tokens';

/** A tensor that a map can be made from. */
export interface Layer {
  /** The tensor's name. */
  readonly name: string;
  /** Name of the node that makes it ('' in files without node names). */
  readonly node: string;
  readonly operator: string;
  /** Shape, −1 where dynamic. */
  readonly shape: readonly number[];
  readonly layout: LayerLayout;
  readonly channels: number;
  /** [h, w], or [D, h, w] for volumes; tokens: [T]. */
  readonly spatial: readonly number[];
  /** Every path from the input to the logits passes through it. */
  readonly dominating: boolean;
  /** Output of an activation, a residual sum, or a join of such. */
  readonly postActivation: boolean;
}

/** They hand a tensor on, or only order it differently: the layer is the tensor behind them. */
const ALIASES = new Set(['Identity', 'Dropout', 'Cast']);
const TOKEN_OPERATORS = new Set(['LayerNormalization', 'Add']);
const CHANNELS_FIRST_OPERATORS =
  /^(Conv|ConvTranspose|BatchNormalization|InstanceNormalization|GroupNormalization|LRN|MaxPool|AveragePool|LpPool|GlobalAveragePool|GlobalMaxPool|DepthToSpace|SpaceToDepth)$/;

/**
 * Every tensor between input and logits that holds more than one position and more than one channel, in topological
 * order. The inner steps of composite activations (Sigmoid of x·Sigmoid(x)) and mere aliases (Identity, Dropout, Cast)
 * are left out.
 */
export function listLayers(graph: Graph, facts: FactTable, input: ImageInput, logits: Logits): Layer[] {
  const dependent = dependentTensors(
    graph,
    graph.inputs.map(({ name }) => name),
  );
  const fromImage = dependentTensors(graph, [input.name]);
  const dominating = new Set(dominatingTensors(graph, [input.name], logits.tensor));
  const patterns = new ActivationPatterns(graph, name => !dependent.has(name));
  const layouts = findLayouts(graph, facts, input);

  const layers: Layer[] = [];
  for (const node of neededNodes(graph, [logits.tensor])) {
    if (ALIASES.has(node.op)) continue;
    for (const name of node.outputs) {
      const known = facts.get(name);
      if (!known?.type.includes('float') || !fromImage.has(name) || patterns.inner.has(name)) continue;
      const layout = layouts.get(name) ?? tokenLayout(node, known.dims);
      const geometry = layout && geometryOf(layout, known.dims);
      if (!geometry || geometry.channels < 2 || geometry.spatial.every(size => size === 1)) continue;
      layers.push({
        name,
        node: node.name,
        operator: node.op,
        shape: known.dims,
        layout,
        ...geometry,
        dominating: dominating.has(name),
        postActivation: patterns.isPostActivation(name),
      });
    }
  }
  return layers;
}

function geometryOf(layout: LayerLayout, dims: readonly number[]): { channels: number; spatial: number[] } {
  switch (layout) {
    case 'nchw':
    case 'ncdhw':
      return { channels: dims[1]!, spatial: dims.slice(2) };
    case 'nhwc':
      return { channels: dims[3]!, spatial: dims.slice(1, 3) };
    case 'tokens':
      return { channels: dims[2]!, spatial: [dims[1]!] };
  }
}

function tokenLayout(node: GraphNode, dims: readonly number[]): LayerLayout | undefined {
  return dims.length === 3 && TOKEN_OPERATORS.has(node.op) && dims[1]! > 1 ? 'tokens' : undefined;
}

/** Layout of every tensor of rank 4 or 5: operators that fix it, Transposes that change it, and what hands it on. */
function findLayouts(graph: Graph, facts: FactTable, input: ImageInput): Map<string, LayerLayout> {
  const layouts = new Map<string, LayerLayout>([[input.name, input.layout]]);
  for (const node of graph.nodes) {
    for (const name of node.outputs) {
      const rank = facts.get(name)?.dims.length;
      if (rank === 5) layouts.set(name, 'ncdhw');
      else if (rank === 4) layouts.set(name, layoutAfter(node, layouts));
    }
  }
  return layouts;
}

function layoutAfter(node: GraphNode, layouts: ReadonlyMap<string, LayerLayout>): LayerLayout {
  if (CHANNELS_FIRST_OPERATORS.test(node.op)) return 'nchw';
  // Normalisation and multiplication over the last axis: that is where the channels are.
  if (node.op === 'LayerNormalization' || node.op === 'MatMul') return 'nhwc';
  const inherited = node.inputs.map(name => layouts.get(name)).find(layout => layout === 'nchw' || layout === 'nhwc');
  if (node.op === 'Transpose') {
    const perm = node.attributes.ints('perm')?.join();
    if (perm === '0,2,3,1') return 'nhwc';
    if (perm === '0,3,1,2') return 'nchw';
  }
  return inherited ?? 'nchw';
}
