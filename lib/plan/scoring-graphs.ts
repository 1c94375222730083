import { toInt64s } from '../common/sizes.ts';
import { tailOf } from '../model/graph/cut.ts';
import { expose } from '../model/graph/expose.ts';
import type { FactTable, TensorFacts } from '../model/graph/facts.ts';
import { type Graph, type GraphNode, makeNode } from '../model/graph/graph.ts';
import { codeOfType, makeTensorProto } from '../model/graph/tensor-values.ts';
import { makeValueInfo } from '../model/graph/value-info.ts';
import type { Model } from '../model/load-model.ts';
import { asFloat32, asRows, feedFloat32 } from './conversions.ts';
import type { ScoreHead } from './score-head.ts';
import type { TargetLayer } from './target-layer.ts';
import { hasPrefix } from './target-layer.ts';

/** A graph from one float32 tensor to float32 logits [N, classes]. */
export interface ScoringGraph {
  readonly graph: Graph;
  readonly input: string;
  readonly output: string;
}

/** The whole model with its logits as the only output. */
export function networkGraph(model: Model, facts: FactTable, head: ScoreHead): ScoringGraph {
  const graph = model.graph.clone();
  graph.outputs.length = 0;
  const known = new Map(facts);
  const input = feedFloat32(graph, known, model.input.name);
  return { graph, input, output: exposeLogits(graph, known, head) };
}

/**
 * The model from a layer on, fed with the layer's feature maps [N, C, h, w]. Prefix tokens (class token) can't be part of
 * feature maps: they are a second input, `prefixInput`, float32 [N, P, D].
 * @throws `ERR_METHOD_UNSUPPORTED` where data flows around the layer
 */
export function tailGraph(model: Model, facts: FactTable, head: ScoreHead, layer: TargetLayer): ScoringGraph {
  const graph = tailOf(model.graph, facts, layer.name, readTensors(head), layer.frames);
  graph.outputs.length = 0;
  const known = new Map(facts);
  const { nodes, input, dims } = fromFeatureMaps(graph, layer, facts.get(layer.name)!);
  if (hasPrefix(layer)) {
    const [batch, , channels] = facts.get(layer.name)!.dims as [number, number, number];
    graph.inputs.push(makeValueInfo(prefixInput(layer), 'float32', [batch, layer.tokens!.prefix, channels]));
  }
  if (nodes.length > 0) {
    graph.inputs[graph.inputs.findIndex(({ name }) => name === layer.name)] = makeValueInfo(input, 'float32', dims);
    graph.replaceNodes([...nodes, ...graph.nodes]);
  }
  return { graph, input, output: exposeLogits(graph, known, head) };
}

/**
 * The model from the tokens and normalised tokens that enter a block on, fed with the feature maps of both [N, 2C, h, w],
 * and if they have one their prefix [N, P, 2C].
 * @throws `ERR_METHOD_UNSUPPORTED` where data flows around them
 */
export function blockGraph(
  model: Model,
  facts: FactTable,
  head: ScoreHead,
  [stream, entry]: readonly [TargetLayer, TargetLayer],
): ScoringGraph {
  const graph = tailOf(model.graph, facts, [stream.name, entry.name], readTensors(head));
  graph.outputs.length = 0;
  graph.inputs.splice(
    0,
    graph.inputs.length,
    ...graph.inputs.filter(({ name }) => name !== stream.name && name !== entry.name),
  );
  const known = new Map(facts);
  const [batch, count, width] = facts.get(stream.name)!.dims as [number, number, number];
  const joined = { ...stream, name: `${stream.name}/block` };
  const { nodes, input, dims } = fromFeatureMaps(
    graph,
    joined,
    { type: 'float32', dims: [batch, count, 2 * width] },
    prefixInput(stream),
  );
  graph.inputs.push(makeValueInfo(input, 'float32', dims));
  if (hasPrefix(joined))
    graph.inputs.push(makeValueInfo(prefixInput(stream), 'float32', [batch, stream.tokens!.prefix, 2 * width]));
  const bound = (value: number): string => {
    const name = `${joined.name}/${value}`;
    graph.initializers.set(name, makeTensorProto(name, 'int64', [1], toInt64s([value])));
    return name;
  };
  [stream, entry].forEach(({ name }, i) => {
    const half = `${joined.name}/half${i}`;
    nodes.push(makeNode('Slice', [joined.name, bound(i * width), bound((i + 1) * width), bound(2)], [half]));
    nodes.push(makeNode('Cast', [half], [name], { to: codeOfType(facts.get(name)!.type) }));
  });
  graph.replaceNodes([...nodes, ...graph.nodes]);
  return { graph, input, output: exposeLogits(graph, known, head) };
}

/** The tensors that scores are read from; the boxes of raw heads are not, because the candidates that count are fed. */
function readTensors({ tensor, detector }: ScoreHead): string[] {
  if (!detector) return [tensor];
  const { scores, objectness, labels, boxes } = detector;
  const read = [scores, objectness, labels, labels && boxes];
  return [...new Set(read.flatMap(columns => (columns ? [columns.tensor] : [])))];
}

export const prefixInput = ({ name }: TargetLayer): string => `${name}/prefix`;

function exposeLogits(graph: Graph, known: Map<string, TensorFacts>, head: ScoreHead): string {
  return expose(graph, asFloat32(graph, known, asRows(graph, known, head, true).rows), known);
}

/** Nodes that turn float32 feature maps [N, C, h, w] into the layer's own layout and type. */
function fromFeatureMaps(
  graph: Graph,
  layer: TargetLayer,
  { type, dims }: TensorFacts,
  prefix?: string,
): { nodes: GraphNode[]; input: string; dims: readonly number[] } {
  const { name, layout, tokens, frames } = layer;
  if ((layout === 'nchw' || layout === 'ncdhw') && type === 'float32') return { nodes: [], input: name, dims };
  const input = `${name}/maps`;
  const nodes: GraphNode[] = [];
  const step = (
    op: string,
    from: string,
    attributes: Record<string, number | readonly number[]>,
    more: string[] = [],
  ) => {
    const output = `${input}/${nodes.length}`;
    nodes.push(makeNode(op, [from, ...more], [output], attributes));
    return output;
  };
  let tensor = input;
  let mapDims = dims;
  if (layout === 'nhwc') {
    tensor = step('Transpose', tensor, { perm: [0, 2, 3, 1] });
    mapDims = [dims[0]!, dims[3]!, dims[1]!, dims[2]!];
  } else if (layout === 'frames') {
    const shape = `${input}/shape`;
    const frame = toInt64s([-1, ...dims.slice(1)]);
    graph.initializers.set(shape, makeTensorProto(shape, 'int64', [4], frame));
    tensor = step('Reshape', step('Transpose', tensor, { perm: [0, 2, 1, 3, 4] }), {}, [shape]);
    mapDims = [dims[0]! < 0 ? -1 : dims[0]! / frames!, dims[1]!, frames!, ...dims.slice(2)];
  } else if (layout === 'tokens') {
    const shape = `${input}/shape`;
    graph.initializers.set(shape, makeTensorProto(shape, 'int64', [3], BigInt64Array.of(0n, 0n, -1n)));
    tensor = step('Transpose', step('Reshape', tensor, {}, [shape]), { perm: [0, 2, 1] });
    mapDims = [dims[0]!, dims[2]!, ...tokens!.grid];
    if (hasPrefix(layer)) {
      const joined = `${input}/${nodes.length}`;
      nodes.push(makeNode('Concat', [prefix ?? prefixInput(layer), tensor], [joined], { axis: 1 }));
      tensor = joined;
    }
  }
  nodes.push(makeNode('Cast', [tensor], [name], { to: codeOfType(type) }));
  return { nodes, input, dims: mapDims };
}
