import type { TensorProto } from 'onnx-buf';
import { toInt64, toInt64s } from '../../../common/sizes.ts';
import { elementCount, type TensorDataByType, type TensorType } from '../../../engine/tensor.ts';
import { Attributes, type AttributeValue } from '../../graph/attributes.ts';
import { constantWeight } from '../../graph/constant-chain.ts';
import { type Graph, type GraphNode, makeNode } from '../../graph/graph.ts';
import { LOWERED } from '../../graph/tensor-names.ts';
import {
  copyOfWeight,
  dimsOf,
  makeTensorProto,
  numberToHalf,
  readFloat32,
  readNumbers,
  readTensor,
} from '../../graph/tensor-values.ts';
import { toFirst, toLast } from './perms.ts';
import { Shapes } from './shapes.ts';

/**
 * Takes a node apart: emits nodes of the standard operator set that make its outputs.
 * @returns false for a form that it doesn't know: the node stays as it is, and nothing reads what was emitted till then
 */
export type Converter = (node: GraphNode, lowering: Lowering) => boolean;

/** A tensor that nodes may read, with its parameters of quantisation: value = (q − zero) · scale. */
export interface Quantization {
  readonly scale: string;
  /** '' for zero. */
  readonly zero: string;
}

type AttributeValues = Readonly<Record<string, AttributeValue>>;

/** A graph on its way to standard operators: the nodes emitted so far, and what converters need to know of the rest. */
export class Lowering {
  /** As it was. */
  readonly graph: Graph;
  readonly nodes: GraphNode[] = [];
  readonly shapes: Shapes;
  /** The model computes in half precision. */
  readonly half: boolean;
  /** Of the quantised tensors met so far. */
  readonly quantized = new Map<string, Quantization>();
  /** Large constants that are still to be filled, in steps of a few milliseconds. */
  readonly writing: Generator<void>[] = [];
  readonly #initializers: Graph['initializers'];
  /** Float tensors by quantised tensor, quantised tensors by float tensor, and quantised tensors that are another one. */
  readonly #floats = new Map<string, string>();
  readonly #quantizations = new Map<string, string>();
  readonly #same = new Map<string, string>();
  /** Of quantised tensors with channels last: the same with channels first. */
  readonly #first = new Map<string, { readonly first: string; readonly rank: number }>();
  readonly #turned = new Set<GraphNode>();
  readonly #taken = new Set<string>();
  readonly #dropped = new Set<GraphNode>();
  #count = 0;

  /** @param initializers what constants are added to */
  constructor(graph: Graph, initializers: Graph['initializers']) {
    this.graph = graph;
    this.#initializers = initializers;
    this.shapes = new Shapes(graph, name => this.#weight(name));
    const matrices = [...graph.initializers.values()].filter(({ dims }) => dims.length > 1);
    this.half = matrices.some(({ dataType }) => dataType === FLOAT16) && !matrices.some(isFloat32);
  }

  get opset(): number {
    return this.graph.opset;
  }

  /** Adds a node to the graph. */
  push(node: GraphNode): void {
    this.nodes.push(node);
    this.shapes.follow(node);
  }

  /** Emits a node with one output. */
  emit(
    op: string,
    inputs: readonly string[],
    attributes: AttributeValues = {},
    output = this.#fresh(op),
    name = '',
  ): string {
    this.push(makeNode(op, trimmed(inputs), [output], attributes, { name }));
    return output;
  }

  /** Emits a node with the attributes, name and perhaps several outputs of another, but for the attributes left out. */
  emitLike(
    node: GraphNode,
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    {
      without = MICROSOFT,
      attributes = {},
    }: { readonly without?: readonly string[]; readonly attributes?: AttributeValues } = {},
  ): void {
    const made = makeNode(op, trimmed(inputs), outputs, attributes, { name: node.name });
    const kept = node.attributes.protos.filter(({ name }) => !without.includes(name));
    this.push({ ...made, attributes: new Attributes([...kept, ...made.attributes.protos]) });
  }

  /** A node stands for others that come later, which are not emitted any more. */
  drop(node: GraphNode): void {
    this.#dropped.add(node);
  }

  /** The nodes in the end: without those dropped, and those that turn a quantised tensor for nobody. */
  finished(): readonly GraphNode[] {
    const nodes = this.nodes.filter(node => !this.#dropped.has(node));
    const read = new Set([...nodes.flatMap(({ inputs }) => inputs), ...this.graph.outputs.map(({ name }) => name)]);
    return nodes.filter(node => !this.#turned.has(node) || read.has(node.outputs[0]!));
  }

  isDropped(node: GraphNode): boolean {
    return this.#dropped.has(node);
  }

  constant<T extends TensorType>(type: T, dims: readonly number[], data: TensorDataByType[T]): string {
    const name = this.#fresh('constant');
    this.#initializers.set(name, makeTensorProto(name, type, dims, data));
    return name;
  }

  /** A number in the type of the model's weights. */
  float(value: number): string {
    if (this.half) return this.constant('float16', [], Uint16Array.of(numberToHalf(value)));
    return this.constant('float32', [], Float32Array.of(value));
  }

  /** A scalar or vector of whole numbers as floats in the type of the model's weights. */
  toFloat(tensor: string): string {
    return this.emit('Cast', [tensor], { to: this.half ? FLOAT16 : FLOAT });
  }

  /** A number that leaves nothing of a probability when it is added to its logarithm. */
  get lowest(): number {
    return this.half ? -6e4 : -1e30;
  }

  integers(values: readonly number[]): string {
    return this.constant('int64', [values.length], toInt64s(values));
  }

  /** Values of a constant; undefined for a computed tensor. */
  numbers(tensor: string): readonly number[] | undefined {
    const weight = this.#weight(tensor);
    return weight && readNumbers(weight);
  }

  /** Values of a constant of bytes. */
  bytes(tensor: string): Uint8Array | undefined {
    const weight = this.#weight(tensor);
    return weight?.dataType === UINT8 ? (readTensor(weight).data as Uint8Array) : undefined;
  }

  /** Values of a constant of floats, exact for half precision. */
  floats(tensor: string): Float32Array | undefined {
    const weight = this.#weight(tensor);
    return weight && (weight.dataType === FLOAT || weight.dataType === FLOAT16) ? readFloat32(weight) : undefined;
  }

  isHalf(constant: string): boolean {
    return this.#weight(constant)?.dataType === FLOAT16;
  }

  dimsOf(tensor: string): readonly number[] | undefined {
    const weight = this.#weight(tensor);
    return weight && dimsOf(weight);
  }

  #weight(tensor: string): TensorProto | undefined {
    return this.#initializers.get(tensor) ?? constantWeight(this.graph, tensor);
  }

  /** The float tensor behind a quantised one: a single DequantizeLinear for all readers, so that it can be a layer. */
  dequantized(tensor: string, { scale, zero }: Quantization): string {
    const key = this.#key(tensor, { scale, zero });
    let float = this.#floats.get(key);
    if (float === undefined) {
      const turned = this.#first.get(tensor);
      float = turned
        ? this.emit('Transpose', [this.dequantized(turned.first, { scale, zero })], { perm: toLast(turned.rank) })
        : this.emit('DequantizeLinear', [tensor, scale, zero], {}, this.#floatName(tensor));
      this.#floats.set(key, float);
    }
    return float;
  }

  /**
   * The float tensor that stands for a quantised one already, where the graph has a DequantizeLinear itself; undefined for
   * its first, whose output is `float`.
   */
  knownFloat(tensor: string, parameters: Quantization, float: string): string | undefined {
    const key = this.#key(this.#same.get(tensor) ?? tensor, parameters);
    const known = this.#floats.get(key);
    if (known === undefined) this.#floats.set(key, float);
    return known;
  }

  /** Whether a float tensor was quantised with equal parameters before, as quantisers do for each reader; remembers it. */
  isQuantizedAgain(tensor: string, parameters: Quantization, output: string): boolean {
    const key = this.#key(tensor, parameters);
    const known = this.#quantizations.get(key);
    if (known === undefined) this.#quantizations.set(key, output);
    else this.#same.set(output, known);
    return known !== undefined;
  }

  /** Equal for equal numbers under other names. */
  #key(tensor: string, { scale, zero }: Quantization): string {
    const value = (name: string) => {
      const numbers = name ? this.numbers(name) : [0];
      return numbers?.length === 1 ? numbers[0] : name;
    };
    // Left out, a zero point is that of unsigned bytes.
    return [tensor, value(scale), value(zero), this.#weight(zero)?.dataType ?? UINT8].join('\n');
  }

  /**
   * A quantised weight as floats: parameters are single numbers, or one for each index of `axis`.
   * @returns undefined for parameters of any other shape
   */
  weight(tensor: string, { scale, zero }: Quantization, axis: number): string | undefined {
    const scales = this.dimsOf(scale);
    const rank = this.dimsOf(tensor)?.length;
    if (!scales || rank === undefined) return undefined;
    const count = elementCount(scales);
    if (count === 1) return this.dequantized(tensor, { scale, zero });
    if (count !== this.dimsOf(tensor)![axis]) return undefined;
    if (this.opset >= 13) {
      const inputs = [tensor, this.#flat(scale), zero && this.#flat(zero)];
      return this.emit('DequantizeLinear', inputs, { axis });
    }
    // Before opset 13 DequantizeLinear takes one scale: the same in arithmetic, which the runtime folds.
    const shape = Array.from({ length: rank }, (_, i) => (i === axis ? count : 1));
    const along = (name: string) => this.constant('float32', shape, Float32Array.from(this.numbers(name)!));
    const values = this.emit('Cast', [tensor], { to: FLOAT });
    const shifted =
      zero && this.numbers(zero)?.some(value => value !== 0) ? this.#shifted(values, zero, shape) : values;
    return this.emit('Mul', [shifted, along(scale)]);
  }

  #shifted(values: string, zero: string, shape: readonly number[]): string {
    const zeros = Float32Array.from(this.numbers(zero)!);
    return this.emit('Sub', [values, this.constant('float32', zeros.length === 1 ? [] : shape, zeros)]);
  }

  /** Quantises a float tensor under the name of the tensor that held the result. */
  quantize(float: string, to: Quantization, output: string): void {
    this.emit('QuantizeLinear', [float, to.scale, to.zero], {}, output);
    this.quantized.set(output, to);
  }

  /** The float tensor behind a quantised one [N, …, C], as [N, C, …]. */
  dequantizedFirst(tensor: string, from: Quantization, rank: number): string {
    const turned = this.#first.get(tensor);
    if (turned) return this.dequantized(turned.first, from);
    return this.emit('Transpose', [this.dequantized(tensor, from)], { perm: toFirst(rank) });
  }

  /**
   * Quantises a float tensor [N, C, …] where the result was one with channels last: the operators that follow, in the same
   * layout as a rule, read it as it is, without a Transpose forth and back between two layers.
   */
  quantizeLast(float: string, to: Quantization, output: string, rank: number): void {
    const first = `${output}/first`;
    this.quantize(float, to, first);
    this.emit('Transpose', [first], { perm: toLast(rank) }, output);
    this.#turned.add(this.nodes.at(-1)!);
    this.quantized.set(output, to);
    this.#first.set(output, { first, rank });
  }

  /** A constant as a vector. */
  #flat(tensor: string): string {
    const dims = this.dimsOf(tensor);
    if (!dims || dims.length <= 1) return tensor;
    const name = this.#fresh('flat');
    const proto = this.#weight(tensor)!;
    this.#initializers.set(name, copyOfWeight(proto, { name, dims: [toInt64(elementCount(dims))] }));
    return name;
  }

  /** Quantisers call a tensor like the float one that they replaced, with an ending: that one's name, if it is free. */
  #floatName(tensor: string): string {
    const name = tensor.replace(/_quantized$/, '');
    const wanted = name !== tensor && !this.graph.has(name) ? name : `${tensor}/float`;
    if (this.#taken.has(wanted)) return this.#fresh('float');
    this.#taken.add(wanted);
    return wanted;
  }

  /** The size of an axis (negative: from the end) as a vector of one. */
  sizeOf(tensor: string, axis: number): string {
    const known = this.shapes.of(tensor)?.at(axis);
    if (known !== undefined) return this.integers([known]);
    return this.emit('Gather', [this.emit('Shape', [tensor]), this.integers([axis])]);
  }

  unsqueeze(tensor: string, ...axes: readonly number[]): string {
    return this.#withAxes('Unsqueeze', tensor, axes);
  }

  squeeze(tensor: string, ...axes: readonly number[]): string {
    return this.#withAxes('Squeeze', tensor, axes);
  }

  #withAxes(op: string, tensor: string, axes: readonly number[]): string {
    return this.opset < 13 ? this.emit(op, [tensor], { axes }) : this.emit(op, [tensor, this.integers(axes)]);
  }

  /** Splits a tensor along an axis, in the form of the model's opset. */
  split(
    tensor: string,
    sizes: readonly number[],
    axis: number,
    outputs: readonly string[] = sizes.map(() => this.#fresh('Split')),
  ): readonly string[] {
    const inputs = this.opset >= 13 ? [tensor, this.integers(sizes)] : [tensor];
    this.push(makeNode('Split', inputs, outputs, { axis, ...(this.opset < 13 && { split: sizes }) }));
    return outputs;
  }

  /** A name for the float tensor that is about to be quantised. */
  unquantized(tensor: string): string {
    return `${tensor}/before`;
  }

  #fresh(what: string): string {
    const name = `${LOWERED}${what}/${this.#count++}`;
    return this.graph.has(name) ? this.#fresh(what) : name;
  }
}

const [FLOAT, UINT8, FLOAT16] = [1, 2, 10] as const;

const isFloat32 = ({ dataType }: { readonly dataType: number }): boolean => dataType === FLOAT;

/** Attributes of ONNX Runtime's own operators that the standard ones don't have. */
const MICROSOFT = ['channels_last', 'opset', 'activation', 'activation_params'];

/** Without optional inputs left out at the end. */
function trimmed(inputs: readonly string[]): string[] {
  const last = inputs.findLastIndex(name => name !== '');
  return inputs.slice(0, last + 1);
}
