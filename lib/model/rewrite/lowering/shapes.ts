import type { TensorProto } from 'onnx-buf';
import type { Graph, GraphNode } from '../../graph/graph.ts';
import { dimsOf, readNumbers } from '../../graph/tensor-values.ts';
import { describeValue } from '../../graph/value-info.ts';

/** Sizes of a tensor's axes, undefined where the file leaves them open. */
export type Shape = readonly (number | undefined)[];

/**
 * What a file says by itself of its tensors' shapes, before anything has run: converters ask for numbers of axes, heads and
 * channels. Followed node by node; a shape that is not known is left out, never guessed.
 */
export class Shapes {
  readonly #graph: Graph;
  readonly #weight: (tensor: string) => TensorProto | undefined;
  readonly #known = new Map<string, Shape>();

  /** @param weight constants by name */
  constructor(graph: Graph, weight: (tensor: string) => TensorProto | undefined) {
    this.#graph = graph;
    this.#weight = weight;
    for (const input of graph.inputs) {
      const { dims } = describeValue(input);
      if (dims)
        this.#known.set(
          input.name,
          dims.map(size => (typeof size === 'number' ? size : undefined)),
        );
    }
  }

  of(tensor: string): Shape | undefined {
    const weight = this.#weight(tensor);
    return weight ? dimsOf(weight) : this.#known.get(tensor);
  }

  /** Notes the shape of a node's outputs; those of the nodes before it are known by then. */
  follow(node: GraphNode): void {
    const shapes = node.op === 'Split' ? this.#split(node) : [this.#shapeOf(node)];
    shapes.forEach((shape, i) => {
      const name = node.outputs[i];
      if (!shape || !name) return;
      // A node that is taken apart is followed as a whole too, which may tell more.
      const before = this.#known.get(name);
      this.#known.set(
        name,
        shape.map((size, at) => size ?? before?.[at]),
      );
    });
  }

  #shapeOf(node: GraphNode): Shape | undefined {
    const { op, attributes, inputs } = node;
    const x = this.of(inputs[0] ?? '');
    const second = () => this.of(inputs[1] ?? '');
    switch (op) {
      case 'Transpose':
        return x && (attributes.ints('perm') ?? x.map((_, i) => x.length - 1 - i)).map(axis => x[axis]);
      case 'Reshape':
        return this.#reshaped(node, x);
      case 'Flatten':
        return [undefined, undefined];
      case 'MatMul':
      case 'FusedMatMul':
      case 'TransposeMatMul':
        return product(x, second(), attributes.int('transB', 0) !== 0);
      case 'Gemm':
      case 'FusedGemm':
        return [undefined, second()?.[attributes.int('transB', 0) !== 0 ? 0 : 1]];
      case 'MatMulNBits':
      case 'MatMulBnb4':
        return x && [...x.slice(0, -1), attributes.int('N')];
      case 'Attention':
      case 'MultiHeadAttention':
      case 'GroupQueryAttention':
        return x && (x.length === 4 ? [...x.slice(0, 3), this.of(inputs[2] ?? '')?.[3]] : [x[0], x[1], undefined]);
      case 'Conv':
      case 'FusedConv':
        return x && [x[0], second()?.[0], ...x.slice(2).map(() => undefined)];
      case 'Shape': {
        const [start, end] = [attributes.int('start', 0), attributes.int('end') ?? x?.length];
        return start >= 0 && end !== undefined && end >= start ? [end - start] : undefined;
      }
      case 'AveragePool':
      case 'GlobalAveragePool':
      case 'GlobalMaxPool':
      case 'MaxPool':
        return x?.map((size, i) => (i < 2 ? size : undefined));
      case 'Pad':
      case 'Resize':
      case 'Slice':
        return x?.map(() => undefined);
      case 'Concat':
        return this.#joined(node);
      case 'Expand':
        return broadcast([x, this.#sizes(inputs[1])]);
      case 'ConstantOfShape':
        return this.#sizes(inputs[0]);
      case 'Gather':
        return this.#gathered(node, x);
      case 'Unsqueeze':
      case 'Squeeze':
        return this.#squeezed(node, x);
      case 'Add':
      case 'Sub':
      case 'Mul':
      case 'Div':
      case 'Where':
        return broadcast(inputs.map(name => this.of(name)));
      default:
        return KEEPING.has(op) ? x : undefined;
    }
  }

  #constant(tensor: string | undefined): readonly number[] | undefined {
    const weight = tensor ? this.#weight(tensor) : undefined;
    return weight && weight.dims.length < 2 && (weight.dims[0] ?? 1n) <= 32n ? readNumbers(weight) : undefined;
  }

  /** Values of a tensor of sizes: a constant, or joined from constants and sizes that are computed. */
  #sizes(tensor: string | undefined): Shape | undefined {
    const maker = this.#graph.producer(tensor ?? '');
    const constant = this.#constant(tensor);
    if (constant || maker?.op !== 'Concat') return constant;
    const parts = maker.inputs.map(part => this.#constant(part) ?? unknowns(this.of(part)?.[0]));
    return parts.every(part => part !== undefined) ? parts.flat() : undefined;
  }

  #reshaped({ inputs }: GraphNode, x: Shape | undefined): Shape | undefined {
    return this.#sizes(inputs[1])?.map((size, i) => (size === 0 ? x?.[i] : size === -1 ? undefined : size));
  }

  #joined(node: GraphNode): Shape | undefined {
    const shapes = node.inputs.map(name => this.of(name));
    const known = shapes.find(shape => shape !== undefined);
    if (!known) return undefined;
    const axis = axisOf(node, known.length, 0);
    const along = shapes.map(shape => shape?.[axis]);
    const total = along.every(size => size !== undefined) ? along.reduce((sum, size) => sum + size, 0) : undefined;
    return known.map((size, i) => (i === axis ? total : (size ?? shapes.find(shape => shape?.[i] !== undefined)?.[i])));
  }

  #gathered(node: GraphNode, x: Shape | undefined): Shape | undefined {
    const indices = this.of(node.inputs[1] ?? '');
    return x && indices && x.toSpliced(axisOf(node, x.length, 0), 1, ...indices);
  }

  #squeezed({ op, inputs, attributes }: GraphNode, x: Shape | undefined): Shape | undefined {
    const axes = attributes.ints('axes') ?? this.#constant(inputs[1]);
    if (!x || !axes) return undefined;
    const rank = op === 'Squeeze' ? x.length : x.length + axes.length;
    const named = new Set(axes.map(axis => (axis < 0 ? axis + rank : axis)));
    if (op === 'Squeeze') return x.filter((_, i) => !named.has(i));
    const rest = [...x];
    return Array.from({ length: rank }, (_, i) => (named.has(i) ? 1 : rest.shift()));
  }

  #split(node: GraphNode): (Shape | undefined)[] {
    const x = this.of(node.inputs[0] ?? '');
    if (!x) return [];
    const axis = axisOf(node, x.length, 0);
    if (x.length <= axis || axis < 0) return [];
    const sizes = node.attributes.ints('split') ?? this.#constant(node.inputs[1]);
    const whole = x[axis];
    const equal = whole !== undefined && whole % node.outputs.length === 0 ? whole / node.outputs.length : undefined;
    return node.outputs.map((_, i) => x.with(axis, sizes ? sizes[i] : node.inputs[1] ? undefined : equal));
  }
}

/** Their output has the shape of their first input. */
const KEEPING: ReadonlySet<string> = new Set([
  ...['BatchNormalization', 'BiasGelu', 'Cast', 'Clip', 'DequantizeLinear', 'Dropout', 'Erf', 'FastGelu', 'Gelu'],
  ...['Identity', 'LayerNormalization', 'LeakyRelu', 'Neg', 'Pow', 'QuantizeLinear', 'QuickGelu', 'RMSNormalization'],
  ...['Relu', 'RotaryEmbedding', 'Sigmoid', 'SimplifiedLayerNormalization', 'SkipLayerNormalization'],
  ...['SkipSimplifiedLayerNormalization', 'Softmax', 'Sqrt', 'Tanh'],
]);

function axisOf({ attributes }: GraphNode, rank: number, fallback: number): number {
  const axis = attributes.int('axis', fallback);
  return axis < 0 ? axis + rank : axis;
}

function broadcast(shapes: readonly (Shape | undefined)[]): Shape | undefined {
  if (!shapes.every(shape => shape !== undefined)) return undefined;
  const rank = Math.max(...shapes.map(shape => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map(shape => (i - rank + shape.length < 0 ? 1 : shape[i - rank + shape.length]));
    return sizes.find(size => size !== undefined && size > 1) ?? (sizes.includes(undefined) ? undefined : 1);
  });
}

/** As many sizes that are not known as a vector of sizes has elements. */
const unknowns = (count: number | undefined): Shape | undefined =>
  count !== undefined && Number.isInteger(count) && count >= 0 && count <= 32
    ? Array(count).fill(undefined)
    : undefined;

function product(a: Shape | undefined, b: Shape | undefined, transposed: boolean): Shape | undefined {
  if (!a || !b || a.length < 2 || b.length < 2) return undefined;
  const rank = Math.max(a.length, b.length);
  const longer = a.length === rank ? a : b;
  return [
    ...longer.slice(0, -2).map((size, i) => (a.length === b.length ? joint(size, b[i]) : size)),
    a.at(-2),
    b.at(transposed ? -2 : -1),
  ];
}

/** Of two sizes that broadcast. */
const joint = (a: number | undefined, b: number | undefined): number | undefined =>
  a === 1 ? b : b === 1 || a !== undefined ? a : b;
