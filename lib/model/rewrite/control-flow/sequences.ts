import type { FactTable } from '../../graph/facts.ts';
import type { GraphNode } from '../../graph/graph.ts';
import type { Writer } from './writer.ts';

/** Operators that make or change a sequence of tensors, or what may hold a tensor or a sequence. */
export const SEQUENCE_OPERATORS: ReadonlySet<string> = new Set([
  'Optional',
  'SequenceConstruct',
  'SequenceEmpty',
  'SequenceErase',
  'SequenceInsert',
  'SplitToSequence',
]);

/**
 * Sequences whose length and places are known are lists of tensors: reads of one become the tensors themselves. What an Optional
 * holds is known without a run, except where it comes with the picture.
 * @returns true where the node was written with others
 */
export class Sequences {
  readonly #lists = new Map<string, readonly string[]>();
  /** What an Optional holds; '' for nothing. */
  readonly #held = new Map<string, string>();
  readonly #writer: Writer;
  readonly #facts: FactTable;

  constructor(writer: Writer, facts: FactTable) {
    this.#writer = writer;
    this.#facts = facts;
  }

  /** The tensors of a sequence, where they are known. */
  of(name: string): readonly string[] | undefined {
    return this.#lists.get(name);
  }

  /** Makes a sequence of tensors. */
  set(name: string, list: readonly string[]): void {
    this.#writer.emit('SequenceConstruct', list, [name]);
    this.#lists.set(name, list);
  }

  /** Follows a node that makes a sequence (which stays where it is) or replaces one that reads it. */
  follow(node: GraphNode): boolean {
    const [output] = node.outputs as [string];
    const list = this.#lists.get(node.inputs[0] ?? '');
    switch (node.op) {
      case 'Identity':
        if (list) this.#lists.set(output, list);
        return false;
      case 'Optional':
        this.#held.set(output, node.inputs[0] ?? '');
        return false;
      case 'OptionalGetElement':
        return this.#take(node.inputs[0]!, output, node);
      case 'OptionalHasElement':
        return this.#tell(node.inputs[0] ?? '', output);
      case 'SequenceEmpty':
        this.#lists.set(output, []);
        return false;
      case 'SequenceConstruct':
        this.#lists.set(output, node.inputs);
        return false;
      case 'SplitToSequence': {
        const pieces = this.#split(node);
        if (pieces) this.#lists.set(output, pieces);
        return false;
      }
      case 'SequenceInsert': {
        const place = list && this.#place(node.inputs[2] ?? '', list.length, list.length);
        if (place !== undefined) this.#lists.set(output, list!.toSpliced(place, 0, node.inputs[1]!));
        return false;
      }
      case 'SequenceErase': {
        const place = list && this.#place(node.inputs[1] ?? '', list.length, list.length - 1);
        if (place !== undefined) this.#lists.set(output, list!.toSpliced(place, 1));
        return false;
      }
      case 'SequenceAt': {
        const tensor = list?.[this.#place(node.inputs[1] ?? '', list.length, 0) ?? -1];
        if (tensor === undefined) return false;
        this.#writer.emit('Identity', [tensor], [output], {}, node.name);
        return true;
      }
      case 'SequenceLength':
        if (list) this.#writer.scalar(list.length, output);
        return list !== undefined;
      case 'ConcatFromSequence':
        if (!list || list.length === 0) return false;
        this.#join(node, list);
        return true;
      default:
        return false;
    }
  }

  /** What an Optional holds, or a tensor or sequence in its place. */
  #take(source: string, output: string, node: GraphNode): boolean {
    const held = this.#held.get(source) ?? source;
    const list = this.#lists.get(held);
    if (list) this.#lists.set(output, list);
    // A sequence is read as the list that it is.
    if (list || !held || !this.#facts.has(held)) return false;
    this.#writer.emit('Identity', [held], [output], {}, node.name);
    return true;
  }

  #tell(source: string, output: string): boolean {
    const held = this.#held.get(source) ?? (this.#lists.has(source) || this.#facts.has(source) ? source : undefined);
    if (source !== '' && held === undefined) return false;
    this.#writer.flag(Boolean(held), output);
    return true;
  }

  #place(position: string, length: number, absent: number): number | undefined {
    if (!position) return absent;
    const [value] = this.#facts.get(position)?.values ?? [];
    return value === undefined ? undefined : value < 0 ? value + length : value;
  }

  #join(node: GraphNode, list: readonly string[]): void {
    const axis = node.attributes.int('axis', 0);
    const stacked = node.attributes.int('new_axis', 0) === 1;
    const parts = stacked ? list.map(tensor => this.#writer.unsqueeze(tensor, axis)) : list;
    this.#writer.emit('Concat', parts, [node.outputs[0]!], { axis }, node.name);
  }

  /** The pieces of a SplitToSequence, where the size of the axis is known. */
  #split(node: GraphNode): string[] | undefined {
    const [x, sizes] = node.inputs as [string, string?];
    const dims = this.#facts.get(x)?.dims;
    if (!dims) return undefined;
    const given = node.attributes.int('axis', 0);
    const axis = given < 0 ? given + dims.length : given;
    const size = dims[axis]!;
    if (size <= 0) return undefined;
    const lengths = lengthsOf(size, sizes ? this.#facts.get(sizes) : { dims: [], values: [1] });
    if (!lengths) return undefined;
    this.#writer.assumeSize(x, axis, size, node);
    const squeezed = !sizes && node.attributes.int('keepdims', 1) === 0;
    const pieces = this.#writer.split(x, axis, lengths);
    return squeezed ? pieces.map(piece => this.#writer.squeeze(piece, axis)) : pieces;
  }
}

/** One number is the length of all pieces but perhaps the last. */
function lengthsOf(
  size: number,
  split: { readonly dims: readonly number[]; readonly values?: readonly number[] } | undefined,
): number[] | undefined {
  const [first] = split?.values ?? [];
  if (first === undefined || first <= 0) return undefined;
  if (split!.dims.length > 0) return [...split!.values!];
  return Array.from({ length: Math.ceil(size / first) }, (_, index) => Math.min(first, size - index * first));
}
