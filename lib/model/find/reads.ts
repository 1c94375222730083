import { constantValues } from '../graph/constant-chain.ts';
import { isShapeOnly } from '../graph/data-flow.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';
import { dependenciesOf } from '../graph/subgraphs.ts';
import { type Axes, type TokenGrid, tokensOf } from './axes.ts';

/** What is read of a tensor: all of it, or some positions of one axis (class tokens). */
export type Read = 'all' | Picked;

export interface Picked {
  readonly axis: number;
  readonly indices: ReadonlySet<number>;
}

/** More than class, distillation and register tokens count as all. */
const MOST_PICKED = 32;

/** Position for position, along every axis. */
const POSITIONWISE =
  /^(Identity|Dropout|Cast|Add|Sub|Mul|Div|Sum|Max|Min|Mean|Pow|Neg|Abs|Exp|Log|Sqrt|Reciprocal|Erf|Tanh|Sigmoid|HardSigmoid|HardSwish|Relu|LeakyRelu|PRelu|Elu|Selu|Celu|Gelu|QuickGelu|BiasGelu|FastGelu|Mish|Swish|Softplus|Softsign|ThresholdedRelu|Clip|Where|Expand|QuantizeLinear|DequantizeLinear|DynamicQuantizeLinear)$/;

const NORMALISING = /^(LayerNormalization|SimplifiedLayerNormalization|RMSNormalization|Softmax|LogSoftmax)$/;

/**
 * Backwards from the scores: what they read of each tensor. Tensors that they read nothing of are left out: patches behind
 * the last attention where a class token alone is classified, which their number of consumers does not tell.
 * @param stop ends the way at a tensor, whose read is kept
 */
export function readsFrom(
  graph: Graph,
  facts: FactTable,
  axes: ReadonlyMap<string, Axes>,
  scores: string,
  stop: (tensor: string, read: Read) => boolean = () => false,
): Map<string, Read> {
  const reads = new Map<string, Read>([[scores, 'all']]);
  for (const node of graph.nodes.toReversed()) {
    const own = node.outputs.map(name => {
      const read = reads.get(name);
      return read === undefined || stop(name, read) ? undefined : read;
    });
    if (own.every(read => read === undefined) || isShapeOnly(node)) continue;
    // Subgraphs read what they read by name.
    const named = new Set(node.inputs);
    for (const name of dependenciesOf(node)) if (!named.has(name)) reads.set(name, 'all');
    const step = new Step(graph, facts, axes, node);
    node.inputs.forEach((name, i) => {
      const read = name === '' ? undefined : step.readOf(i, own);
      if (read !== undefined) reads.set(name, joined(reads.get(name), read));
    });
  }
  return reads;
}

/** Whether more than one position of the picture is read of tokens. */
export function readsGrid(read: Read | undefined, tokens: TokenGrid | undefined): boolean {
  if (read === undefined || read === 'all') return read === 'all';
  const prefix = tokens?.prefix ?? 0;
  return [...read.indices].filter(index => index >= prefix).length > 1;
}

function joined(one: Read | undefined, other: Read): Read {
  if (one === undefined) return other;
  if (one === 'all' || other === 'all' || one.axis !== other.axis) return 'all';
  return picked(one.axis, [...one.indices, ...other.indices]) ?? 'all';
}

/** undefined for none; all for many. */
function picked(axis: number, indices: Iterable<number>): Read | undefined {
  const distinct = new Set(indices);
  if (distinct.size === 0) return undefined;
  return distinct.size > MOST_PICKED ? 'all' : { axis, indices: distinct };
}

const shifted = ({ indices }: Picked, by: number): number[] => [...indices].map(index => index + by);

/** One node: what is read of its outputs is known, what that reads of its inputs is asked for. */
class Step {
  readonly #graph: Graph;
  readonly #facts: FactTable;
  readonly #axes: ReadonlyMap<string, Axes>;
  readonly #node: GraphNode;
  readonly #dims: readonly number[] | undefined;

  constructor(graph: Graph, facts: FactTable, axes: ReadonlyMap<string, Axes>, node: GraphNode) {
    this.#graph = graph;
    this.#facts = facts;
    this.#axes = axes;
    this.#node = node;
    this.#dims = this.#dimsOf(node.outputs[0]!);
  }

  /** undefined for nothing. */
  readOf(input: number, reads: readonly (Read | undefined)[]): Read | undefined {
    const { op, inputs } = this.#node;
    const dims = this.#dimsOf(inputs[input]!);
    if (!dims || !this.#dims) return 'all';
    if (op === 'Split') return input === 0 ? this.#ofSplit(dims, reads) : 'all';
    const [read] = reads;
    if (read === undefined || reads.slice(1).some(other => other !== undefined)) return 'all';
    switch (op) {
      case 'Slice':
        return input === 0 ? this.#ofSlice(dims, read) : 'all';
      case 'Gather':
        return input === 0 ? this.#ofGather(dims, read) : 'all';
    }
    if (read === 'all') return 'all';
    return this.#ofPicked(input, dims, read);
  }

  #ofPicked(input: number, dims: readonly number[], read: Picked): Read | undefined {
    const { op, inputs, attributes } = this.#node;
    const rank = this.#dims!.length;
    switch (op) {
      case 'Transpose': {
        const perm = attributes.ints('perm') ?? dims.map((_, i) => dims.length - 1 - i);
        return { ...read, axis: perm[read.axis]! };
      }
      case 'Reshape':
      case 'Flatten':
      case 'Squeeze':
      case 'Unsqueeze':
        return input === 0 ? this.#sameAxis(inputs[0]!, read) : 'all';
      case 'Concat': {
        const axis = fromFront(attributes.int('axis', 0), rank);
        if (axis !== read.axis) return read;
        const before = inputs
          .slice(0, input)
          .reduce((sum, name) => sum + (this.#dimsOf(name)?.[axis] ?? Number.NaN), 0);
        const own = shifted(read, -before).filter(index => index >= 0 && index < dims[axis]!);
        if (own.length === 0 || Number.isNaN(before)) return Number.isNaN(before) ? 'all' : undefined;
        return dims[axis] === 1 ? 'all' : picked(axis, own);
      }
      case 'Pad':
        return input === 0 ? this.#ofPad(dims, read) : 'all';
      case 'MatMul':
      case 'MatMulInteger':
        return this.#ofProduct(input, dims, read);
      case 'Einsum':
        return this.#ofEinsum(input, read);
    }
    if (NORMALISING.test(op)) {
      const axis = fromFront(attributes.int('axis', op === 'Softmax' && this.#graph.opset < 13 ? 1 : -1), rank);
      return axis > read.axis && input === 0 ? read : 'all';
    }
    if (op.startsWith('Reduce')) return input === 0 ? this.#sameAxis(inputs[0]!, read) : 'all';
    return POSITIONWISE.test(op) ? this.#aligned(dims, read) : 'all';
  }

  /** The one axis of an input that is an axis of the output, by what they stand for. */
  #sameAxis(name: string, read: Picked): Read {
    const before = this.#axes.get(name);
    const own = this.#axes.get(this.#node.outputs[0]!)?.[read.axis];
    if (!before || !own || own.length === 0) return 'all';
    const is = (axis: Axes[number]) =>
      axis.length === own.length &&
      axis.every((factor, i) => factor.root === own[i]!.root && factor.size === own[i]!.size);
    const found = before.flatMap((axis, i) => (is(axis) ? [i] : []));
    // Queries and keys of one attention stand for the same.
    const fromBack = this.#dims!.length - read.axis;
    const axis = found.length > 1 ? found.find(i => before.length - i === fromBack) : found[0];
    return axis === undefined ? 'all' : { ...read, axis };
  }

  /** Of an input that is broadcast. */
  #aligned(dims: readonly number[], read: Picked): Read {
    const axis = read.axis - (this.#dims!.length - dims.length);
    return axis >= 0 && dims[axis] === this.#dims![read.axis] ? { ...read, axis } : 'all';
  }

  #ofProduct(input: number, dims: readonly number[], read: Picked): Read {
    const rank = this.#dims!.length;
    if (dims.length < 2) return 'all';
    if (read.axis < rank - 2) return this.#aligned(dims, read);
    const rows = read.axis === rank - 2;
    if (input > 1 || rows !== (input === 0)) return 'all';
    return { ...read, axis: dims.length - (rows ? 2 : 1) };
  }

  #ofEinsum(input: number, read: Picked): Read {
    const [terms = '', output] = (this.#node.attributes.string('equation') ?? '').replaceAll(' ', '').split('->');
    const axis = terms.split(',')[input]?.indexOf(output?.[read.axis] ?? '?') ?? -1;
    return axis >= 0 && !terms.includes('.') ? { ...read, axis } : 'all';
  }

  #ofPad(dims: readonly number[], read: Picked): Read | undefined {
    const { attributes, inputs } = this.#node;
    const pads =
      attributes.ints('pads') ?? (inputs[1] ? constantValues(this.#graph, this.#facts, inputs[1]) : undefined);
    if (inputs[3] || pads?.length !== 2 * dims.length || attributes.string('mode', 'constant') !== 'constant')
      return 'all';
    return picked(
      read.axis,
      shifted(read, -pads[read.axis]!).filter(index => index >= 0 && index < dims[read.axis]!),
    );
  }

  #ofSplit(dims: readonly number[], reads: readonly (Read | undefined)[]): Read | undefined {
    const axis = fromFront(this.#node.attributes.int('axis', 0), dims.length);
    let start = 0;
    let all: Read | undefined;
    this.#node.outputs.forEach((name, i) => {
      const size = this.#dimsOf(name)?.[axis] ?? Number.NaN;
      const read = reads[i];
      if (read !== undefined) all = joined(all, this.#ofPart(dims, read, { axis, start, size }) ?? 'all');
      start += size;
    });
    return all;
  }

  #ofSlice(dims: readonly number[], read: Read): Read | undefined {
    const { attributes, inputs } = this.#node;
    const given = (index: number, name: string) =>
      attributes.ints(name) ?? (inputs[index] ? constantValues(this.#graph, this.#facts, inputs[index]) : undefined);
    const starts = given(1, 'starts');
    const along = given(3, 'axes') ?? starts?.map((_, i) => i);
    const steps = given(4, 'steps') ?? [1];
    if (!starts || starts.length !== along?.length || steps.some(step => step !== 1)) return 'all';
    const cut = along.map(axis => fromFront(axis, dims.length)).filter(axis => this.#dims![axis] !== dims[axis]);
    if (cut.length > 1) return 'all';
    const [axis] = cut;
    if (axis === undefined) return read;
    const start = starts[along.findIndex(other => fromFront(other, dims.length) === axis)]!;
    return this.#ofPart(dims, read, { axis, start: fromFront(start, dims[axis]!), size: this.#dims![axis]! });
  }

  /** A stretch of one axis. Only along tokens it picks: stretches of rows, columns and channels are features like all. */
  #ofPart(
    dims: readonly number[],
    read: Read,
    { axis, start, size }: { readonly axis: number; readonly start: number; readonly size: number },
  ): Read | undefined {
    if (read !== 'all') return read.axis === axis ? picked(axis, shifted(read, start)) : read;
    if (!this.#isSequence(axis) || !(start >= 0) || !(size < dims[axis]!)) return 'all';
    return size > MOST_PICKED
      ? 'all'
      : picked(
          axis,
          Array.from({ length: size }, (_, i) => start + i),
        );
  }

  #ofGather(dims: readonly number[], read: Read): Read {
    const axis = fromFront(this.#node.attributes.int('axis', 0), dims.length);
    const rank = this.#dims!.length - dims.length + 1;
    if (read !== 'all' && (read.axis < axis || read.axis >= axis + rank))
      return { ...read, axis: read.axis < axis ? read.axis : read.axis - rank + 1 };
    const indices = constantValues(this.#graph, this.#facts, this.#node.inputs[1]!);
    if (!indices || !this.#isSequence(axis) || rank > 1) return 'all';
    const chosen = read === 'all' ? indices : [...read.indices].map(index => indices[index]!);
    return (
      picked(
        axis,
        chosen.map(index => fromFront(index, dims[axis]!)),
      ) ?? 'all'
    );
  }

  #isSequence(axis: number): boolean {
    const own = this.#axes.get(this.#node.inputs[0]!)?.[axis];
    return own !== undefined && tokensOf(own) !== undefined;
  }

  #dimsOf(name: string): readonly number[] | undefined {
    return this.#facts.get(name)?.dims;
  }
}

const fromFront = (index: number, length: number): number => (index < 0 ? index + length : index);
