import { create } from '@bufbuild/protobuf';
import { type NodeProto, NodeProtoSchema, type TensorProto, type ValueInfoProto } from 'onnx-buf';
import { Attributes, type AttributeValue, toAttribute } from './attributes.ts';

/** One operator of a graph. Empty strings in `inputs` and `outputs` stand for optional values left out. */
export interface GraphNode {
  readonly op: string;
  /** '' is the default ONNX domain. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

export function makeNode(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  { name = '', domain = '' } = {},
): GraphNode {
  const protos = Object.entries(attributes).map(([key, value]) => toAttribute(key, value));
  return { op, domain, name, inputs, outputs, attributes: new Attributes(protos) };
}

export function nodeFromProto(proto: NodeProto): GraphNode {
  return {
    op: proto.opType,
    domain: proto.domain === 'ai.onnx' ? '' : proto.domain,
    name: proto.name,
    inputs: proto.input,
    outputs: proto.output,
    attributes: new Attributes(proto.attribute),
  };
}

export function nodeToProto(node: GraphNode): NodeProto {
  return create(NodeProtoSchema, {
    opType: node.op,
    domain: node.domain,
    name: node.name,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: [...node.attributes.protos],
  });
}

/** What a file says of itself, for people. */
export interface ModelAbout {
  /** Of the graph. */
  readonly name: string;
  readonly graphDocString: string;
  readonly domain: string;
  readonly modelVersion: bigint;
  /** Of the model. */
  readonly docString: string;
}

/**
 * A main graph in a form that is cheap to extend: weights are the parsed messages themselves (views on the file's
 * bytes), nodes are immutable, and the producer/consumer indexes follow every change made through the methods.
 */
export class Graph {
  /** Model inputs without those that are also initializers. */
  readonly inputs: ValueInfoProto[];
  readonly outputs: ValueInfoProto[];
  readonly initializers: Map<string, TensorProto>;
  /** Shapes of tensors between, where the runtime cannot infer them: names of dynamic axes behind a Resize, for instance. */
  readonly shapes: ValueInfoProto[];
  /** Domain to version; '' is the default domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly irVersion: bigint;
  /** What the file says besides, by key. */
  readonly metadata: Map<string, string>;
  /** Of graphs that are as they were read. */
  readonly about: ModelAbout | undefined;
  #nodes: GraphNode[];
  #producers: Map<string, GraphNode> | undefined;
  #consumers: Map<string, GraphNode[]> | undefined;

  constructor(parts: {
    inputs: readonly ValueInfoProto[];
    outputs: readonly ValueInfoProto[];
    nodes: readonly GraphNode[];
    initializers: ReadonlyMap<string, TensorProto>;
    shapes?: readonly ValueInfoProto[];
    opsets: ReadonlyMap<string, number>;
    irVersion: bigint;
    metadata?: ReadonlyMap<string, string>;
    about?: ModelAbout | undefined;
  }) {
    this.inputs = [...parts.inputs];
    this.outputs = [...parts.outputs];
    this.initializers = new Map(parts.initializers);
    this.shapes = [...(parts.shapes ?? [])];
    this.opsets = parts.opsets;
    this.irVersion = parts.irVersion;
    this.metadata = new Map(parts.metadata);
    this.about = parts.about;
    this.#nodes = [...parts.nodes];
  }

  /** Version of the default operator set. */
  get opset(): number {
    return this.opsets.get('') ?? 1;
  }

  /** In topological order. */
  get nodes(): readonly GraphNode[] {
    return this.#nodes;
  }

  /** A copy that can be extended without touching this one; weights are shared. */
  clone(): Graph {
    return new Graph(this);
  }

  /** Appends nodes; their inputs must exist already (as inputs, initializers or outputs of earlier nodes). */
  append(...nodes: readonly GraphNode[]): void {
    for (const node of nodes) {
      this.#nodes.push(node);
      if (this.#producers) for (const output of node.outputs) if (output) this.#producers.set(output, node);
      if (this.#consumers) for (const input of new Set(node.inputs)) addConsumer(this.#consumers, input, node);
    }
  }

  /** Replaces the whole node list (a new topological order, nodes dropped or rewritten). */
  replaceNodes(nodes: readonly GraphNode[]): void {
    this.#nodes = [...nodes];
    this.#producers = undefined;
    this.#consumers = undefined;
  }

  producer(tensor: string): GraphNode | undefined {
    if (!this.#producers) {
      this.#producers = new Map();
      for (const node of this.#nodes) for (const output of node.outputs) if (output) this.#producers.set(output, node);
    }
    return this.#producers.get(tensor);
  }

  consumers(tensor: string): readonly GraphNode[] {
    if (!this.#consumers) {
      this.#consumers = new Map();
      for (const node of this.#nodes)
        for (const input of new Set(node.inputs)) addConsumer(this.#consumers, input, node);
    }
    return this.#consumers.get(tensor) ?? [];
  }

  /** True for a tensor that exists in the graph under this name. */
  has(tensor: string): boolean {
    return (
      this.initializers.has(tensor) ||
      this.inputs.some(input => input.name === tensor) ||
      this.producer(tensor) !== undefined
    );
  }
}

function addConsumer(index: Map<string, GraphNode[]>, tensor: string, node: GraphNode): void {
  if (!tensor) return;
  const list = index.get(tensor);
  if (list) list.push(node);
  else index.set(tensor, [node]);
}
