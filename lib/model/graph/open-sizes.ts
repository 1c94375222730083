import { equals } from '@bufbuild/protobuf';
import { AttributeProtoSchema, type TensorProto, TensorProtoSchema, type ValueInfoProto } from 'onnx-buf';
import { elementCount } from '../../engine/tensor.ts';
import { Graph, type GraphNode } from './graph.ts';
import { bytesPerElement, dimsOf, typeOfCode } from './tensor-values.ts';
import { type DeclaredDim, describeValue, makeValueInfo } from './value-info.ts';

/** Constants up to this many bytes may become inputs; larger ones are weights. */
const MAX_LIFTED = 2 ** 16;

/**
 * A graph that serves pictures of several sizes: what differs between them (shapes to reshape to, reciprocals of cell
 * counts) are inputs, the sizes of inputs and outputs that differ are open.
 */
export interface OpenSizes {
  /** Of the size that came first. */
  readonly graph: Graph;
  /** Constants that are inputs, with the shape that they are declared with. */
  readonly lifted: ReadonlyMap<string, readonly DeclaredDim[]>;
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly shapes: readonly ValueInfoProto[];
}

/** The graph as it is, for one size. */
export function ofOneSize(graph: Graph): OpenSizes {
  const { inputs, outputs, shapes } = graph;
  return { graph, lifted: new Map(), inputs, outputs, shapes };
}

/**
 * Opened further until it is this graph as well, made of the same model for another size; the same object where it is that
 * already.
 * @returns undefined where their nodes or weights differ
 */
export function widen(open: OpenSizes, other: Graph): OpenSizes | undefined {
  const { graph } = open;
  if (!sameItems(graph.nodes, other.nodes, sameNode)) return undefined;
  const lifted = widenConstants(open, other);
  const inputs = widenValues(open.inputs, other.inputs);
  const outputs = widenValues(open.outputs, other.outputs);
  const shapes = widenValues(open.shapes, other.shapes);
  if (!lifted || !inputs || !outputs || !shapes) return undefined;
  const same = lifted === open.lifted && inputs === open.inputs && outputs === open.outputs && shapes === open.shapes;
  return same ? open : { graph, lifted, inputs, outputs, shapes };
}

/** The graph to run. */
export function openGraph({ graph, lifted, inputs, outputs, shapes }: OpenSizes): Graph {
  const initializers = new Map([...graph.initializers].filter(([name]) => !lifted.has(name)));
  const constants = [...lifted].map(([name, dims]) =>
    makeValueInfo(name, typeOfCode(graph.initializers.get(name)!.dataType), dims),
  );
  const { nodes, opsets, irVersion, metadata } = graph;
  return new Graph({
    inputs: [...inputs, ...constants],
    outputs,
    nodes,
    initializers,
    shapes,
    opsets,
    irVersion,
    metadata,
  });
}

function widenConstants(open: OpenSizes, other: Graph): OpenSizes['lifted'] | undefined {
  const { initializers } = open.graph;
  if (initializers.size !== other.initializers.size) return undefined;
  let lifted: Map<string, readonly DeclaredDim[]> | undefined;
  for (const [name, own] of initializers) {
    const weight = other.initializers.get(name);
    if (!weight) return undefined;
    const known = open.lifted.get(name);
    if (!known && (weight === own || equals(TensorProtoSchema, weight, own))) continue;
    if (!isLiftable(own, weight)) return undefined;
    const from = known ?? dimsOf(own);
    const dims = widenDims(from, dimsOf(weight));
    if (!dims) return undefined;
    if (dims !== known) (lifted ??= new Map(open.lifted)).set(name, dims);
  }
  return lifted ?? open.lifted;
}

function isLiftable(a: TensorProto, b: TensorProto): boolean {
  const type = typeOfCode(a.dataType);
  if (!type || a.dataType !== b.dataType) return false;
  return [a, b].every(weight => elementCount(dimsOf(weight)) * bytesPerElement(type) <= MAX_LIFTED);
}

function widenValues(own: readonly ValueInfoProto[], others: readonly ValueInfoProto[]) {
  if (own.length !== others.length) return undefined;
  const widened: ValueInfoProto[] = [];
  for (const [index, value] of own.entries()) {
    const wide = widenValue(value, others[index]!);
    if (!wide) return undefined;
    widened.push(wide);
  }
  return widened.every((value, index) => value === own[index]) ? own : widened;
}

function widenValue(value: ValueInfoProto, other: ValueInfoProto): ValueInfoProto | undefined {
  if (value === other) return value;
  const [a, b] = [describeValue(value), describeValue(other)];
  if (a.name !== b.name || a.type !== b.type) return undefined;
  if (!a.dims) return value;
  if (a.type === undefined || a.type === 'string') return undefined;
  const dims = b.dims && widenDims(a.dims, b.dims);
  if (!dims) return undefined;
  return dims === a.dims ? value : makeValueInfo(a.name, a.type, dims);
}

/** Open where they differ; the first list itself where nothing had to be opened, undefined where the ranks differ. */
function widenDims(own: readonly DeclaredDim[], other: readonly DeclaredDim[]): readonly DeclaredDim[] | undefined {
  if (own.length !== other.length) return undefined;
  const dims = own.map((dim, axis) => (dim === other[axis] ? dim : ''));
  return sameItems(dims, own) ? own : dims;
}

function sameNode(a: GraphNode, b: GraphNode): boolean {
  if (a === b) return true;
  const named = a.op === b.op && a.domain === b.domain && a.name === b.name;
  if (!named || !sameItems(a.inputs, b.inputs) || !sameItems(a.outputs, b.outputs)) return false;
  return sameItems(a.attributes.protos, b.attributes.protos, (one, other) => equals(AttributeProtoSchema, one, other));
}

function sameItems<T>(a: readonly T[], b: readonly T[], same: (one: T, other: T) => boolean = Object.is): boolean {
  return a.length === b.length && a.every((one, index) => same(one, b[index]!));
}
