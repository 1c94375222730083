import { OnnxCamError } from '../../common/errors.ts';
import { toInt64s } from '../../common/sizes.ts';
import { neededNodes } from './data-flow.ts';
import type { FactTable } from './facts.ts';
import { Graph, type GraphNode, makeNode } from './graph.ts';
import { dependenciesOf } from './subgraphs.ts';
import { makeTensorProto } from './tensor-values.ts';
import { makeValueInfo } from './value-info.ts';

/** The part of the graph that makes some tensors, which become its only outputs (under their own names). */
export function headOf(graph: Graph, tensors: readonly string[], facts?: FactTable): Graph {
  const nodes = neededNodes(graph, tensors);
  const outputs = tensors.map(name => {
    const known = facts?.get(name);
    return makeValueInfo(name, known?.type, known?.dims);
  });
  return assemble(graph, nodes, graph.inputs, outputs, new Map(graph.initializers));
}

/**
 * The part of the graph from a layer (or several) on: its only input is the layer's tensor (same name, dynamic batch where the model
 * has one), its outputs are the tensors asked for. Where the rest reads a constant that earlier nodes compute, its probed
 * value is put in; where it reads the shape of an earlier tensor, that is made from the layer's own batch.
 * @param frames how many of the layer's batch make one clip of the model's input
 * @throws OnnxCamError `ERR_METHOD_UNSUPPORTED` when other data from before the layer flows around it
 */
export function tailOf(
  graph: Graph,
  facts: FactTable,
  layer: string | readonly string[],
  outputs: readonly string[],
  frames = 1,
): Graph {
  const cuts = typeof layer === 'string' ? [layer] : layer;
  const [first] = cuts as [string];
  const initializers = new Map(graph.initializers);
  const nodes: GraphNode[] = [];
  const made = new Set(cuts);
  // Everything the layer leads to stays; what is needed besides is constant, a shape, or flows around the layer.
  const downstream = new Set(cuts);
  for (const node of graph.nodes)
    if (dependenciesOf(node).some(name => downstream.has(name)))
      for (const output of node.outputs) if (output && !cuts.includes(output)) downstream.add(output);

  /** @returns the node that makes a tensor, whose own inputs are needed then; undefined for what is there */
  function need(name: string): GraphNode | undefined {
    if (made.has(name) || initializers.has(name)) return undefined;
    made.add(name);
    const known = facts.get(name);
    if (known?.values && !downstream.has(name)) {
      initializers.set(name, constantOf(name, known.type, known.dims, known.values));
      return undefined;
    }
    const node = graph.producer(name);
    if (!node) throw flowsAround(first, name);
    const shape =
      node.op === 'Shape' && !downstream.has(name) ? shapeFromBatch(graph, facts, first, node, frames) : undefined;
    if (shape) {
      for (const [key, weight] of shape.initializers) initializers.set(key, weight);
      nodes.push(...shape.nodes);
      return undefined;
    }
    for (const output of node.outputs) made.add(output);
    return node;
  }
  // A chain may be longer than calls can be nested: the open nodes, each with how many of its inputs were looked at.
  const open: { node: GraphNode; next: number }[] = [];
  for (const output of outputs) {
    for (let node = need(output); node || open.length > 0; ) {
      if (node) open.push({ node, next: 0 });
      const last = open.at(-1)!;
      const inputs = dependenciesOf(last.node);
      if (last.next === inputs.length) nodes.push(open.pop()!.node);
      node = last.next < inputs.length ? need(inputs[last.next++]!) : undefined;
    }
  }

  const inputs = cuts.map(name => {
    const known = facts.get(name);
    return makeValueInfo(
      name,
      known?.type,
      known?.dims.map((dim, axis) => (dim < 0 ? `d${axis}` : dim)),
    );
  });
  const infos = outputs.map(name => makeValueInfo(name, facts.get(name)?.type, facts.get(name)?.dims));
  return assemble(graph, nodes, inputs, infos, initializers);
}

/** `Shape(u)` of a tensor before the layer, when only its first size is dynamic and that is the layer's batch. */
function shapeFromBatch(graph: Graph, facts: FactTable, layer: string, node: GraphNode, frames: number) {
  const dims = facts.get(node.inputs[0]!)?.dims;
  const own = facts.get(layer)?.dims;
  if (!dims || own?.[0] !== -1 || dims[0] !== -1 || dims.slice(1).includes(-1)) return undefined;
  const start = node.attributes.int('start', 0);
  const end = node.attributes.int('end', dims.length);
  const asked = dims.slice(start, end);
  if (asked[0] !== -1) return undefined;
  // Of what is folded already the batch is the layer's, of the input's clips a part of it.
  if (frames > 1 && !graph.inputs.some(({ name }) => name === node.inputs[0])) return undefined;
  const [output] = node.outputs;
  const local = (suffix: string) => `onnx_cam/tail/${output}/${suffix}`;
  const rest = toInt64s(asked.slice(1));
  const initializers = new Map([
    [local('first'), makeTensorProto(local('first'), 'int64', [1], toInt64s([0]))],
    [local('rest'), makeTensorProto(local('rest'), 'int64', [rest.length], rest)],
    [local('frames'), makeTensorProto(local('frames'), 'int64', [1], toInt64s([frames]))],
  ]);
  const nodes = [
    makeNode('Shape', [layer], [local('shape')]),
    makeNode('Gather', [local('shape'), local('first')], [local('size')], { axis: 0 }),
    makeNode('Div', [local('size'), local('frames')], [local('batch')]),
    makeNode('Concat', [local('batch'), local('rest')], [output!], { axis: 0 }),
  ];
  return { nodes, initializers };
}

function constantOf(name: string, type: string, dims: readonly number[], values: readonly number[]) {
  switch (type) {
    case 'int64':
      return makeTensorProto(name, 'int64', dims, toInt64s(values));
    case 'int32':
      return makeTensorProto(name, 'int32', dims, Int32Array.from(values));
    case 'bool':
      return makeTensorProto(name, 'bool', dims, Uint8Array.from(values));
    case 'float32':
      return makeTensorProto(name, 'float32', dims, Float32Array.from(values));
    default:
      throw new OnnxCamError(
        'ERR_METHOD_UNSUPPORTED',
        `constant "${name}" of type ${type} cannot be moved behind the layer`,
      );
  }
}

function flowsAround(layer: string, input: string): OnnxCamError {
  return new OnnxCamError(
    'ERR_METHOD_UNSUPPORTED',
    `the network cannot be cut at "${layer}": data from "${input}" reaches the class scores around it; ` +
      'choose a layer that every path passes through (layers() marks them)',
  );
}

/** A graph of these nodes with only the weights they read. */
function assemble(
  graph: Graph,
  nodes: readonly GraphNode[],
  inputs: Graph['inputs'],
  outputs: Graph['outputs'],
  initializers: Graph['initializers'],
): Graph {
  const read = new Set([...nodes.flatMap(dependenciesOf), ...outputs.map(({ name }) => name)]);
  return new Graph({
    inputs: inputs.filter(({ name }) => read.has(name)),
    outputs,
    nodes,
    initializers: new Map([...initializers].filter(([name]) => read.has(name))),
    opsets: graph.opsets,
    irVersion: graph.irVersion,
  });
}
