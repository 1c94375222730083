import { constantValues } from '../graph/constant-chain.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import {
  type Axes,
  type Axis,
  type AxisKind,
  isSpatial,
  kindOf,
  newAxis,
  regroup,
  type TokenGrid,
  tokenAxis,
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
    const step = new Step(graph, facts, traced, node);
    const axes = node.op === 'Split' ? step.split() : [step.axes()];
    axes.forEach((found, i) => {
      const name = node.outputs[i];
      if (found && name && found.length === facts.get(name)?.dims.length) traced.set(name, found);
    });
  }
  return traced;
}

/** One node: its inputs' axes are known, its output's are asked for. */
class Step {
  readonly #graph: Graph;
  readonly #facts: FactTable;
  readonly #traced: ReadonlyMap<string, Axes>;
  readonly #node: GraphNode;
  readonly #inputs: readonly (Axes | undefined)[];
  readonly #dims: readonly number[] | undefined;

  constructor(graph: Graph, facts: FactTable, traced: ReadonlyMap<string, Axes>, node: GraphNode) {
    this.#graph = graph;
    this.#facts = facts;
    this.#traced = traced;
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
      case 'Pad':
      case 'DepthToSpace':
      case 'SpaceToDepth':
        return data && this.#resized(data, dims);
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
      const part = this.#part(data[axis]!, this.#sizeOf(0, axis), offset, size);
      offset += size;
      return data.with(axis, part);
    });
  }

  /** undefined for one that there is not, which the runtime takes where nothing is left to do. */
  #axis(rank: number, fallback: number): number | undefined {
    const given = this.#node.attributes.int('axis', fallback);
    const axis = given < 0 ? given + rank : given;
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
      return found;
    });
    return axes.every(axis => axis !== undefined) && this.#inputs.some(Boolean) ? axes : undefined;
  }

  /** Sizes may change, what the axes stand for does not. */
  #resized(data: Axes, dims: readonly number[]): Axes {
    return dims.map((size, i) => {
      if (this.#sizeOf(0, i) === size) return data[i]!;
      const kind = kindOf(data[i]!);
      return newAxis(kind === undefined || kind === 'token' ? 'channel' : kind, size);
    });
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
    const kinds = new Set<AxisKind | undefined>();
    this.#inputs.forEach((input, index) => {
      const own = input?.[axis];
      const found = own && tokensOf(own);
      if (own?.length !== 0) kinds.add(own && kindOf(own));
      if (found) {
        grids++;
        tokens = { grid: found.grid, prefix: before + found.prefix };
      }
      before += this.#facts.get(this.#node.inputs[index]!)!.dims[axis]!;
    });
    const [kind] = kinds;
    const whole = kinds.size === 1 && (kind === 'row' || kind === 'column' || kind === 'depth') ? kind : 'channel';
    return others.with(axis, tokens && grids === 1 ? tokenAxis(dims[axis]!, tokens) : newAxis(whole, dims[axis]!));
  }

  #sliced(data: Axes, dims: readonly number[]): Axes | undefined {
    const { attributes, inputs } = this.#node;
    const given = (index: number, name: string) =>
      attributes.ints(name) ?? (inputs[index] ? constantValues(this.#graph, this.#facts, inputs[index]) : undefined);
    const starts = given(1, 'starts');
    const along = (given(3, 'axes') ?? starts?.map((_, i) => i))?.map(axis => (axis < 0 ? axis + data.length : axis));
    return dims.map((size, axis) => {
      const total = this.#sizeOf(0, axis);
      if (size === total) return data[axis]!;
      const start = starts?.[along?.indexOf(axis) ?? -1] ?? 0;
      return this.#part(data[axis]!, total, start < 0 ? start + total : start, size);
    });
  }

  /** `size` positions of an axis from `start` on. */
  #part(axis: Axis, total: number, start: number, size: number): Axis {
    if (size === total) return axis;
    const tokens = tokensOf(axis);
    if (tokens) {
      const count = tokens.grid[0] * tokens.grid[1];
      const prefix = tokens.prefix - start;
      return prefix >= 0 && prefix + count <= size
        ? tokenAxis(size, { grid: tokens.grid, prefix })
        : newAxis('channel', size);
    }
    return newAxis(kindOf(axis) ?? 'channel', size);
  }

  #gathered(data: Axes, dims: readonly number[]): Axes | undefined {
    const axis = this.#axis(data.length, 0);
    if (axis === undefined) return undefined;
    const rank = dims.length - data.length + 1;
    if (rank === 0) return data.toSpliced(axis, 1);
    const indices = dims.slice(axis, axis + rank);
    const kind = kindOf(data[axis]!);
    const same = rank === 1 && indices[0] === this.#sizeOf(0, axis) && kind !== 'token' && !tokensOf(data[axis]!);
    const fresh = indices.map(size => newAxis(kind === undefined || kind === 'token' ? 'channel' : kind, size));
    return data.toSpliced(axis, 1, ...(same ? [data[axis]!] : fresh));
  }

  #reduced(data: Axes, dims: readonly number[]): Axes | undefined {
    if (dims.length === data.length) return data.map((axis, i) => (dims[i] === 1 ? [] : axis));
    const [, second] = this.#node.inputs;
    const given =
      this.#node.attributes.ints('axes') ?? (second ? constantValues(this.#graph, this.#facts, second) : undefined);
    const gone = new Set(given?.map(axis => (axis < 0 ? axis + data.length : axis)));
    return data.filter((_, i) => !gone.has(i));
  }
}
