import type { TensorProto } from 'onnx-buf';
import { toInt64 } from '../../../common/sizes.ts';
import type { TensorType } from '../../../engine/tensor.ts';
import type { AttributeValue } from '../../graph/attributes.ts';
import type { Graph, GraphNode } from '../../graph/graph.ts';
import { makeNode } from '../../graph/graph.ts';
import { makeTensorProto } from '../../graph/tensor-values.ts';

/** What a resolved node was resolved by, which a picture of another size could change. */
export interface Assumption {
  /** The node that was written out. */
  readonly node: string;
  readonly op: string;
  readonly tensor: string;
  /** The values that the tensor had; or the size that one of its axes had. */
  readonly values?: readonly number[];
  readonly size?: { readonly axis: number; readonly length: number };
}

/** The new node list of a graph, with the constants that came with it. */
export class Writer {
  readonly nodes: GraphNode[] = [];
  readonly initializers: Map<string, TensorProto>;
  readonly assumptions: Assumption[] = [];
  readonly #graph: Graph;
  readonly #taken = new Set<string>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.initializers = new Map(graph.initializers);
  }

  emit(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    name = '',
  ): void {
    this.nodes.push(makeNode(op, inputs, outputs, attributes, { name }));
  }

  /** A start of names that nothing else has. */
  prefix(node: GraphNode): string {
    const base = node.name || node.outputs.find(output => output) || node.op;
    for (let count = 0; ; count++) {
      const prefix = `${base}/${count || ''}${count ? '/' : ''}`;
      if (this.#taken.has(prefix) || this.#isUsed(prefix)) continue;
      this.#taken.add(prefix);
      return prefix;
    }
  }

  #isUsed(prefix: string): boolean {
    if ([...this.initializers.keys()].some(name => name.startsWith(prefix))) return true;
    return this.#graph.nodes.some(node => node.outputs.some(output => output.startsWith(prefix)));
  }

  assume(node: GraphNode, tensor: string, values: readonly number[]): void {
    this.assumptions.push({ ...this.#named(node), tensor, values });
  }

  assumeSize(tensor: string, axis: number, length: number, node: GraphNode): void {
    this.assumptions.push({ ...this.#named(node), tensor, size: { axis, length } });
  }

  #named(node: GraphNode) {
    return { node: node.name || node.outputs[0]!, op: node.op };
  }

  scalar(value: number, name: string): string {
    this.initializers.set(name, makeTensorProto(name, 'int64', [], BigInt64Array.of(toInt64(value))));
    return name;
  }

  /** A zero of a floating-point type; undefined for other types. */
  zero(type: TensorType, name: string): string | undefined {
    const data = { float32: Float32Array.of(0), float64: Float64Array.of(0), float16: Uint16Array.of(0) };
    if (!Object.hasOwn(data, type)) return undefined;
    this.initializers.set(name, makeTensorProto(name, type, [], data[type as keyof typeof data]));
    return name;
  }

  reshaped(tensor: string, shape: readonly number[], name: string): string {
    this.emit('Reshape', [tensor, this.#vector(shape, `${name}/shape`)], [name]);
    return name;
  }

  flag(value: boolean, name: string): string {
    this.initializers.set(name, makeTensorProto(name, 'bool', [], Uint8Array.of(value ? 1 : 0)));
    return name;
  }

  unsqueeze(tensor: string, axis: number): string {
    return this.#axisOperator('Unsqueeze', tensor, axis);
  }

  squeeze(tensor: string, axis: number): string {
    return this.#axisOperator('Squeeze', tensor, axis);
  }

  #axisOperator(op: string, tensor: string, axis: number): string {
    const output = this.#fresh(`${tensor}/${op.toLowerCase()}`);
    const late = this.#graph.opset >= 13;
    const inputs = late ? [tensor, this.#vector([axis], `${output}/axes`)] : [tensor];
    this.emit(op, inputs, [output], late ? {} : { axes: [axis] });
    return output;
  }

  split(tensor: string, axis: number, lengths: readonly number[]): string[] {
    const outputs = lengths.map((_, index) => this.#fresh(`${tensor}/${index}`));
    if (lengths.length === 1) {
      this.emit('Identity', [tensor], outputs);
      return outputs;
    }
    const late = this.#graph.opset >= 13;
    const inputs = late ? [tensor, this.#vector(lengths, `${outputs[0]}/split`)] : [tensor];
    this.emit('Split', inputs, outputs, late ? { axis } : { axis, split: lengths });
    return outputs;
  }

  /** One index of an axis, which goes. */
  row(tensor: string, axis: number, index: number): string {
    const output = this.#fresh(`${tensor}/row/${index}`);
    this.emit('Gather', [tensor, this.scalar(index, `${output}/index`)], [output], { axis });
    return output;
  }

  #vector(values: readonly number[], name: string): string {
    this.initializers.set(name, makeTensorProto(name, 'int64', [values.length], BigInt64Array.from(values, toInt64)));
    return name;
  }

  #fresh(wanted: string): string {
    for (let count = 0; ; count++) {
      const name = count === 0 ? wanted : `${wanted}/${count}`;
      if (this.#taken.has(name) || this.#graph.has(name)) continue;
      this.#taken.add(name);
      return name;
    }
  }
}
