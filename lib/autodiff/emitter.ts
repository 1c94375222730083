import { OnnxCamError } from '../common/errors.ts';
import { checkedCount, largestOf, MAX_CONSTANT, MAX_PER_TENSOR, MAX_TENSOR, toInt64s } from '../common/sizes.ts';
import { elementCount, type TensorDataByType, type TensorType } from '../engine/tensor.ts';
import type { AttributeValue } from '../model/graph/attributes.ts';
import { tensor } from '../model/graph/attributes.ts';
import type { FactTable, TensorFacts } from '../model/graph/facts.ts';
import { type Graph, type GraphNode, makeNode } from '../model/graph/graph.ts';
import { codeOfType, makeTensorProto, numberToHalf } from '../model/graph/tensor-values.ts';
import { broadcastDims, isFloat, sameDims, sizeOf, type Value } from './value.ts';

/**
 * Appends nodes and constants to a graph under one unused name prefix, and keeps the facts of what it appends, so that
 * the extended graph can be differentiated again without another probing run. Constants are made once per distinct
 * value, shape and element type.
 */
export class Emitter {
  readonly graph: Graph;
  /** The facts given plus those of every tensor emitted. */
  readonly facts: Map<string, TensorFacts>;
  readonly prefix: string;
  readonly opset: number;
  /** Prefers operators that read and write the channel blocks of ONNX Runtime's CPU convolutions (see blocked.ts). */
  readonly blocks: boolean;
  readonly #constants = new Map<string, Value>();
  #count = 0;
  readonly #given: FactTable;
  /** Elements that a tensor may have, found when the first large one comes. */
  #most: number | undefined;

  constructor(graph: Graph, facts: FactTable, prefix: string, { blocks = false } = {}) {
    this.graph = graph;
    this.blocks = blocks;
    this.facts = new Map(facts);
    this.#given = facts;
    this.prefix = unusedPrefix(graph, prefix);
    this.opset = graph.opset;
  }

  /** Number of nodes emitted so far. */
  get count(): number {
    return this.#count;
  }

  /** Emits a node of the default domain with one output of the given shape; `undefined` leaves an optional input out. */
  node(
    op: string,
    inputs: readonly (Value | undefined)[],
    { type, dims }: { type: TensorType; dims: readonly number[] },
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): Value {
    return this.nodes(op, inputs, [{ type, dims }], attributes)[0]!;
  }

  /** The same for several outputs; `undefined` leaves an optional output out. */
  nodes(
    op: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly ({ type: TensorType; dims: readonly number[] } | undefined)[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): Value[] {
    const name = `${this.prefix}/${op}_${this.#count++}`;
    for (const output of outputs) if (output) this.#checkSize(name, output.dims);
    const values = outputs.map((output, index) =>
      output
        ? { name: outputs.length > 1 ? `${name}:${index}` : name, type: output.type, dims: [...output.dims] }
        : { name: '', type: 'float32' as const, dims: [] },
    );
    for (const value of values) if (value.name) this.facts.set(value.name, { type: value.type, dims: value.dims });
    this.graph.append(
      makeNode(
        op,
        inputs.map(input => input?.name ?? ''),
        values.map(value => value.name),
        attributes,
        { name },
      ),
    );
    return values;
  }

  /**
   * Strides and paddings of a window say nothing of the sizes before and behind it, but the gradient's tensors follow them.
   * @throws `ERR_MODEL_UNSUPPORTED`
   */
  #checkSize(name: string, dims: readonly number[]): void {
    // Of a dynamic axis a single cell.
    const known = dims.map(dim => (dim === -1 ? 1 : dim));
    if (elementCount(known) <= MAX_TENSOR) return;
    this.#most ??= MAX_PER_TENSOR * largestOf([...this.#given.values()].map(one => Math.abs(elementCount(one.dims))));
    checkedCount(known, `tensor "${name}"`, Math.max(MAX_TENSOR, this.#most));
  }

  /** Outputs of a node of the graph, with those named that it left out so far. */
  withOutputs(node: GraphNode, outputs: readonly { type: TensorType; dims: readonly number[] }[]): Value[] {
    const { graph } = this;
    const current = graph.producer(node.outputs[0]!)!;
    const name = `${this.prefix}/${node.op}_${this.#count++}`;
    const values = outputs.map(({ type, dims }, index) => ({
      name: current.outputs[index] || `${name}:${index}`,
      type,
      dims: [...dims],
    }));
    const names = values.map(value => value.name);
    if (names.some((output, index) => output !== current.outputs[index]))
      graph.replaceNodes(graph.nodes.map(other => (other === current ? { ...other, outputs: names } : other)));
    for (const { name: output, type, dims } of values) this.facts.set(output, { type, dims });
    return values;
  }

  /** A constant tensor; one value fills the whole shape. */
  constant(values: number | readonly number[], type: TensorType, dims: readonly number[] = []): Value {
    const size = checkedCount(dims, `a constant of "${this.prefix}"`, MAX_CONSTANT);
    const key = `${type}|${dims}|${values}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const list = typeof values === 'number' ? new Array<number>(size).fill(values) : values;
    const name = `${this.prefix}/c${this.#constants.size}`;
    this.graph.initializers.set(name, makeTensorProto(name, type, dims, encode(list, type)));
    const value = { name, type, dims: [...dims] };
    this.facts.set(name, { type, dims: value.dims, ...(isFloat(type) ? {} : { values: list }) });
    this.#constants.set(key, value);
    return value;
  }

  /** A one-dimensional int64 constant. */
  ints(values: readonly number[]): Value {
    return this.constant(values, 'int64', [values.length]);
  }

  /** A scalar constant of the element type of `like`. */
  scalar(value: number, like: Value): Value {
    return this.constant(value, like.type);
  }

  unary(op: string, x: Value, attributes: Readonly<Record<string, AttributeValue>> = {}): Value {
    return this.node(op, [x], x, attributes);
  }

  binary(op: string, a: Value, b: Value): Value {
    return this.node(op, [a, b], { type: a.type, dims: broadcastDims(a.dims, b.dims) });
  }

  add(a: Value, b: Value): Value {
    return this.binary('Add', a, b);
  }

  sub(a: Value, b: Value): Value {
    return this.binary('Sub', a, b);
  }

  mul(a: Value, b: Value): Value {
    return this.binary('Mul', a, b);
  }

  div(a: Value, b: Value): Value {
    return this.binary('Div', a, b);
  }

  neg(x: Value): Value {
    return this.unary('Neg', x);
  }

  cast(x: Value, type: TensorType): Value {
    return x.type === type ? x : this.node('Cast', [x], { type, dims: x.dims }, { to: codeOfType(type) });
  }

  /** 1 where a > b, else 0, in a's element type. */
  greater(a: Value, b: Value): Value {
    return this.cast(this.node('Greater', [a, b], { type: 'bool', dims: broadcastDims(a.dims, b.dims) }), a.type);
  }

  /** 1 where a = b, else 0, in a's element type. */
  equal(a: Value, b: Value): Value {
    const bool = { type: 'bool' as const, dims: broadcastDims(a.dims, b.dims) };
    if (this.opset >= 11 || !isFloat(a.type)) return this.cast(this.node('Equal', [a, b], bool), a.type);
    // Equal takes no floats before opset 11.
    const unequal = this.node('Or', [this.node('Less', [a, b], bool), this.node('Greater', [a, b], bool)], bool);
    return this.cast(this.node('Not', [unequal], bool), a.type);
  }

  /** int64 vector of run-time sizes. */
  shapeOf(x: Value): Value {
    return this.node('Shape', [x], { type: 'int64', dims: [x.dims.length] });
  }

  /** Zeros of a tensor's run-time shape, in the element type given with it (float32 or float64). */
  zerosLike(x: Value): Value {
    const attributes: Record<string, AttributeValue> = {};
    if (x.type !== 'float32') attributes.value = tensor(makeTensorProto('', x.type, [1], encode([0], x.type) as never));
    return this.node('ConstantOfShape', [this.shapeOf(x)], x, attributes);
  }

  /** Reshape to sizes of which at most one is dynamic: `ERR_NO_GRADIENT` for more, which no constant shape can say. */
  reshape(x: Value, dims: readonly number[]): Value {
    if (sameDims(x.dims, dims)) return x;
    if (dims.filter(size => size === -1).length > 1)
      throw new OnnxCamError('ERR_NO_GRADIENT', `no gradient: two dynamic axes in a reshape to [${dims}]`);
    // Zero copies a size, which keeps the name of a dynamic batch; −1 would lose it.
    const cells = (sizes: readonly number[]) => sizeOf(sizes.slice(1));
    const sameBatch = dims[0] === -1 && x.dims[0] === -1 && cells(dims) === cells(x.dims) && cells(dims) !== -1;
    return this.node('Reshape', [x, this.ints(sameBatch ? dims.with(0, 0) : dims)], { type: x.type, dims });
  }

  /** Reshape to the sizes of a forward tensor, read at run time only when more than one of them is dynamic. */
  reshapeLike(x: Value, like: Value): Value {
    if (sameDims(x.dims, like.dims)) return x;
    if (like.dims.filter(size => size === -1).length <= 1) return this.reshape(x, like.dims);
    return this.node('Reshape', [x, this.shapeOf(like)], { type: x.type, dims: like.dims });
  }

  transpose(x: Value, perm: readonly number[]): Value {
    if (perm.every((axis, index) => axis === index)) return x;
    return this.node('Transpose', [x], { type: x.type, dims: perm.map(axis => x.dims[axis]!) }, { perm });
  }

  matMul(a: Value, b: Value): Value {
    const batch = broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2));
    return this.node('MatMul', [a, b], { type: a.type, dims: [...batch, a.dims.at(-2)!, b.dims.at(-1)!] });
  }

  concat(parts: readonly Value[], axis: number): Value {
    if (parts.length === 1) return parts[0]!;
    const sizes = parts.map(part => part.dims[axis]!);
    const size = sizes.includes(-1) ? -1 : sizes.reduce((sum, item) => sum + item, 0);
    const dims = parts[0]!.dims.map((_, index) => {
      if (index === axis) return size;
      const known = parts.find(part => part.dims[index] !== -1);
      return known ? known.dims[index]! : -1;
    });
    return this.node('Concat', parts, { type: parts[0]!.type, dims }, { axis });
  }
}

function encode(values: readonly number[], type: TensorType): TensorDataByType[TensorType] {
  switch (type) {
    case 'float32':
      return Float32Array.from(values);
    case 'float64':
      return Float64Array.from(values);
    case 'float16':
      return Uint16Array.from(values, numberToHalf);
    case 'bfloat16':
      return Uint16Array.from(values, value => roundedToBfloat16(value));
    case 'int64':
      return toInt64s(values);
    case 'int32':
      return Int32Array.from(values);
    case 'bool':
      return Uint8Array.from(values);
    default:
      throw new OnnxCamError('ERR_NO_GRADIENT', `gradients of tensors of type ${type} are not supported`);
  }
}

/** Upper half of the float32 pattern, rounded to nearest even. */
function roundedToBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  return Number.isNaN(value) ? 0x7fc0 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function unusedPrefix(graph: Graph, prefix: string): string {
  const taken = new Set<string>();
  for (const { name } of graph.inputs) taken.add(name.split('/', 1)[0]!);
  for (const name of graph.initializers.keys()) taken.add(name.split('/', 1)[0]!);
  for (const node of graph.nodes) for (const output of node.outputs) taken.add(output.split('/', 1)[0]!);
  for (let pass = 0; ; pass++) if (!taken.has(`${prefix}${pass}`)) return `${prefix}${pass}`;
}
