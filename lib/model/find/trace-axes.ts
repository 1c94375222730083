import { constantValues } from '../graph/constant-chain.ts';
import { dependentTensors } from '../graph/data-flow.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import {
  type Axes,
  type Axis,
  flip,
  isSpatial,
  kindOf,
  newAxis,
  regroup,
  resized,
  sideBySide,
  stretch,
  type TokenGrid,
  tokenAxis,
  tokensInPlace,
  tokensOf,
  turn,
} from './axes.ts';
import type { ImageInput } from './input.ts';
import { rollOf } from './roll.ts';

/**
 * What the axes of every tensor stand for, followed from the image input through the graph: where the rows and columns
 * of the picture are after patch embeddings, Transposes, Reshapes to tokens, windows and heads, and how many class and
 * register tokens were put before them. Tensors that cannot be followed are left out.
 */
export function traceAxes(graph: Graph, facts: FactTable, input: ImageInput): Map<string, Axes> {
  const traced = new Map<string, Axes>();
  const fromImage = dependentTensors(graph, [input.name]);
  const dims = facts.get(input.name)?.dims;
  if (dims) {
    const kinds = {
      nchw: ['batch', 'channel', 'row', 'column'],
      nhwc: ['batch', 'row', 'column', 'channel'],
      ncdhw: ['batch', 'channel', 'depth', 'row', 'column'],
      ntchw: ['batch', 'depth', 'channel', 'row', 'column'],
    } as const;
    const axes = kinds[input.layout].map((kind, i) => newAxis(kind, dims[i]!));
    traced.set(input.name, axes);
  }
  for (const node of graph.nodes) {
    const step = new Step({ graph, facts, traced, fromImage }, node);
    const axes = node.op === 'Split' ? step.split() : [step.axes()];
    axes.forEach((found, i) => {
      const name = node.outputs[i];
      if (found && name && found.length === facts.get(name)?.dims.length) traced.set(name, found);
    });
  }
  return traced;
}

/** What is known so far. */
interface Traced {
  readonly graph: Graph;
  readonly facts: FactTable;
  readonly traced: ReadonlyMap<string, Axes>;
  readonly fromImage: ReadonlySet<string>;
}

/** One node: its inputs' axes are known, its output's are asked for. */
class Step {
  readonly #graph: Graph;
  readonly #facts: FactTable;
  readonly #traced: ReadonlyMap<string, Axes>;
  readonly #fromImage: ReadonlySet<string>;
  readonly #node: GraphNode;
  readonly #inputs: readonly (Axes | undefined)[];
  readonly #dims: readonly number[] | undefined;

  constructor({ graph, facts, traced, fromImage }: Traced, node: GraphNode) {
    this.#graph = graph;
    this.#facts = facts;
    this.#traced = traced;
    this.#fromImage = fromImage;
    this.#node = node;
    this.#inputs = node.inputs.map(name => traced.get(name));
    this.#dims = facts.get(node.outputs[0] ?? '')?.dims;
  }

  axes(): Axes | undefined {
    const dims = this.#dims;
    const [data] = this.#inputs;
    if (!dims) return undefined;
    switch (this.#node.op) {
      case 'Conv':
      case 'ConvInteger':
      case 'QLinearConv':
      case 'FusedConv':
      case 'ConvTranspose':
        return this.#convolution(dims);
      case 'MaxPool':
      case 'AveragePool':
      case 'LpPool':
      case 'GlobalAveragePool':
      case 'GlobalMaxPool':
      case 'Resize':
      case 'Upsample':
      case 'DepthToSpace':
      case 'SpaceToDepth':
        return data && this.#resized(data, dims);
      case 'Pad':
        return data && this.#padded(data, dims);
      case 'Reshape':
      case 'Flatten':
      case 'Squeeze':
      case 'Unsqueeze':
        return data && regroup(data, dims);
      case 'Transpose': {
        const perm = this.#node.attributes.ints('perm') ?? dims.map((_, i) => dims.length - 1 - i);
        return data && perm.map(axis => data[axis] ?? []);
      }
      case 'MatMul':
      case 'MatMulInteger':
      case 'FusedMatMul':
        return this.#product(dims);
      case 'Gemm':
        return this.#node.attributes.int('transA', 0) === 0 && data
          ? [data[0]!, newAxis('channel', dims[1]!)]
          : undefined;
      case 'Einsum':
        return this.#einsum(dims);
      case 'Concat':
        return this.#rolled() ?? this.#joined(dims);
      case 'Slice':
        return data && this.#sliced(data, dims);
      case 'Gather':
        return data && this.#gathered(data, dims);
      case 'GatherElements': {
        const axis = this.#axis(dims.length, 0);
        return axis !== undefined && !isSpatial(data?.[axis] ?? []) ? this.#elementwise(dims) : undefined;
      }
      // Where what they pick or turn round comes from, only values say.
      case 'GatherND':
      case 'ReverseSequence':
      case 'Shape':
      case 'Size':
        return undefined;
      default:
        return this.#node.op.startsWith('Reduce') ? data && this.#reduced(data, dims) : this.#elementwise(dims);
    }
  }

  split(): (Axes | undefined)[] {
    const [data] = this.#inputs;
    const axis = this.#axis(data?.length ?? 0, 0);
    if (axis === undefined) return [];
    let offset = 0;
    return this.#node.outputs.map(name => {
      const size = this.#facts.get(name)?.dims[axis];
      if (!data || size === undefined) return undefined;
      const part = this.#part(data[axis]!, { total: this.#sizeOf(0, axis), start: offset, count: size });
      offset += size;
      return data.with(axis, part);
    });
  }

  /** undefined for one that there is not, which the runtime takes where nothing is left to do. */
  #axis(rank: number, fallback: number): number | undefined {
    const axis = fromFront(this.#node.attributes.int('axis', fallback), rank);
    return axis >= 0 && axis < rank ? axis : undefined;
  }

  #sizeOf(input: number, axis: number): number {
    return this.#facts.get(this.#node.inputs[input]!)!.dims[axis]!;
  }

  /** Every axis from the input that has its size, by preference from one that knows where the positions are. */
  #elementwise(dims: readonly number[]): Axes | undefined {
    const axes = dims.map((size, i) => {
      if (size === 1) return [];
      let found: Axis | undefined;
      this.#inputs.forEach((input, index) => {
        const own = i - dims.length + (input?.length ?? 0);
        if (!input || own < 0 || this.#sizeOf(index, own) !== size) return;
        if (!found || (!isSpatial(found) && isSpatial(input[own]!))) found = input[own]!;
      });
      return found ?? (this.#isMadeUp(i - dims.length, size) ? newAxis('channel', size) : undefined);
    });
    return axes.every(axis => axis !== undefined) && this.#inputs.some(Boolean) ? axes : undefined;
  }

  /** Its positions come out of the weights (latents that look at the picture, queries). */
  #isMadeUp(fromBack: number, size: number): boolean {
    return this.#node.inputs.some((name, i) => {
      const dims = this.#facts.get(name)?.dims;
      return (
        !this.#inputs[i] && !this.#fromImage.has(name) && dims?.at(fromBack) === size && dims.length + fromBack >= 0
      );
    });
  }

  /** Sizes may change, what the axes stand for does not. */
  #resized(data: Axes, dims: readonly number[]): Axes {
    return dims.map((size, i) => {
      const total = this.#sizeOf(0, i);
      return total === size ? data[i]! : resized(data[i]!, size, { total, eaten: this.#eaten(i - 2) });
    });
  }

  /** What a window takes off at either end of its axis, besides what its stride passes over. */
  #eaten(axis: number): number {
    const { attributes, inputs } = this.#node;
    const kernel = attributes.ints('kernel_shape')?.[axis] ?? this.#facts.get(inputs[1] ?? '')?.dims[axis + 2] ?? 1;
    const dilation = attributes.ints('dilations')?.[axis] ?? 1;
    const padding = attributes.ints('pads')?.[axis] ?? 0;
    const stride = attributes.ints('strides')?.[axis] ?? 1;
    return Math.max(0, (dilation * (kernel - 1) + 1 - stride) / 2 - padding);
  }

  #padded(data: Axes, dims: readonly number[]): Axes {
    const pads = this.#given(1, 'pads');
    if (pads?.length !== 2 * dims.length) return this.#resized(data, dims);
    return dims.map((count, i) => {
      const total = this.#sizeOf(0, i);
      return count === total && pads[i] === 0 ? data[i]! : stretch(data[i]!, { total, start: -pads[i]!, count });
    });
  }

  /** An attribute of older versions of an operator, or the constant input that took its place. */
  #given(index: number, name: string): readonly number[] | undefined {
    const { attributes, inputs } = this.#node;
    return (
      attributes.ints(name) ?? (inputs[index] ? constantValues(this.#graph, this.#facts, inputs[index]) : undefined)
    );
  }

  /** Also where the input could not be followed: a convolution says by itself which axes are which. */
  #convolution(dims: readonly number[]): Axes | undefined {
    const known = this.#inputs[0];
    const kinds = (['depth', 'row', 'column'] as const).slice(5 - dims.length);
    if (!known && dims.length < 4) return undefined;
    const axes = known
      ? this.#resized(known, dims)
      : [newAxis('batch', dims[0]!), [], ...kinds.map((kind, i) => newAxis(kind, dims[i + 2]!))];
    return axes.with(1, newAxis('channel', dims[1]!));
  }

  #product(dims: readonly number[]): Axes | undefined {
    const [left, right] = this.#inputs;
    if ((!left && !right) || dims.length < 2) return undefined;
    const leading = this.#elementwise(dims.slice(0, -2).concat(1, 1))?.slice(0, -2);
    const rows = left && left.length > 1 ? left.at(-2)! : newAxis('channel', dims.at(-2)!);
    const columns = right && right.length > 1 ? right.at(-1)! : newAxis('channel', dims.at(-1)!);
    return leading && [...leading, rows, columns];
  }

  #einsum(dims: readonly number[]): Axes | undefined {
    const [inputs = '', output] = (this.#node.attributes.string('equation') ?? '').replaceAll(' ', '').split('->');
    if (!output || inputs.includes('.') || !this.#inputs.some(Boolean)) return undefined;
    const terms = inputs.split(',');
    return [...output].map((letter, i) => {
      const input = this.#inputs.find((axes, index) => axes && terms[index]!.includes(letter));
      if (!input) return newAxis('channel', dims[i]!);
      return input[terms[this.#inputs.indexOf(input)]!.indexOf(letter)]!;
    });
  }

  #rolled(): Axes | undefined {
    const roll = rollOf(this.#graph, this.#facts, this.#node);
    const source = roll && this.#traced.get(roll.source);
    const turned = source && turn(source[roll.axis]!, roll.shift);
    return turned && source.with(roll.axis, turned);
  }

  #joined(dims: readonly number[]): Axes | undefined {
    const axis = this.#axis(dims.length, 0);
    if (axis === undefined) return undefined;
    const others = this.#elementwise(dims.with(axis, 1));
    if (!others) return undefined;
    let before = 0;
    let tokens: TokenGrid | undefined;
    let grids = 0;
    this.#inputs.forEach((input, index) => {
      const own = input?.[axis];
      const found = own && tokensInPlace(own);
      if (found) {
        grids++;
        tokens = { grid: found.grid, prefix: before + found.prefix };
      }
      before += this.#facts.get(this.#node.inputs[index]!)!.dims[axis]!;
    });
    const parts = this.#inputs.map((input, index) => ({ axis: input?.[axis], size: this.#sizeOf(index, axis) }));
    return others.with(axis, tokens && grids === 1 ? tokenAxis(dims[axis]!, tokens) : sideBySide(parts, dims[axis]!));
  }

  #sliced(data: Axes, dims: readonly number[]): Axes | undefined {
    const starts = this.#given(1, 'starts');
    const along = (this.#given(3, 'axes') ?? starts?.map((_, i) => i))?.map(axis => fromFront(axis, data.length));
    const steps = this.#given(4, 'steps');
    return dims.map((size, axis) => {
      const total = this.#sizeOf(0, axis);
      const at = along?.indexOf(axis) ?? -1;
      const step = steps?.[at] ?? 1;
      if (step < 0) return step === -1 && size === total ? flip(data[axis]!) : newAxis('channel', size);
      if (size === total) return data[axis]!;
      const start = Math.max(0, fromFront(starts?.[at] ?? 0, total));
      return this.#part(data[axis]!, { total, start, count: size, step });
    });
  }

  /** `count` positions of an axis of `total`. */
  #part(axis: Axis, part: { total: number; start: number; count: number; step?: number }): Axis {
    const { total, start, count: size } = part;
    if (size === total) return axis;
    const tokens = tokensInPlace(axis);
    if (!tokens) return stretch(axis, part);
    const count = tokens.grid[0] * tokens.grid[1];
    const prefix = tokens.prefix - start;
    return prefix >= 0 && prefix + count <= size
      ? tokenAxis(size, { grid: tokens.grid, prefix })
      : newAxis('channel', size);
  }

  #gathered(data: Axes, dims: readonly number[]): Axes | undefined {
    const axis = this.#axis(data.length, 0);
    if (axis === undefined) return undefined;
    const rank = dims.length - data.length + 1;
    if (rank === 0) return data.toSpliced(axis, 1);
    const indices = dims.slice(axis, axis + rank);
    const kind = kindOf(data[axis]!);
    const fresh = indices.map(size => newAxis(kind === undefined || kind === 'token' ? 'channel' : kind, size));
    return data.toSpliced(axis, 1, ...(rank === 1 ? [this.#chosen(data[axis]!, axis, indices[0]!)] : fresh));
  }

  /** Positions that are looked up, along one axis: kept where they stay in order. */
  #chosen(own: Axis, axis: number, size: number): Axis {
    if (!isSpatial(own)) return size === this.#sizeOf(0, axis) ? own : newAxis(kindOf(own) ?? 'channel', size);
    const total = this.#sizeOf(0, axis);
    const indices = constantValues(this.#graph, this.#facts, this.#node.inputs[1]!)?.map(index =>
      fromFront(index, total),
    );
    if (indices?.length !== size) return newAxis('channel', size);
    if (size === total && indices.every((index, i) => index === i)) return own;
    if (size === total && indices.every((index, i) => index === total - 1 - i)) return flip(own);
    if (indices.some((index, i) => index < (indices[i - 1] ?? 0)) || tokensOf(own)) return newAxis('channel', size);
    const [first, last] = [indices[0]!, indices.at(-1)!];
    return stretch(own, { total, start: first, count: size, step: (last + 1 - first) / size });
  }

  #reduced(data: Axes, dims: readonly number[]): Axes | undefined {
    if (dims.length === data.length) return data.map((axis, i) => (dims[i] === 1 ? [] : axis));
    const gone = new Set(this.#given(1, 'axes')?.map(axis => fromFront(axis, data.length)));
    return data.filter((_, i) => !gone.has(i));
  }
}

const fromFront = (index: number, length: number): number => (index < 0 ? index + length : index);
