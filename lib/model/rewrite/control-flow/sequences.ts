import type { FactTable } from '../../graph/facts.ts';
import type { GraphNode } from '../../graph/graph.ts';
import type { Writer } from './writer.ts';

/** Operators that make or change a sequence of tensors. */
export const SEQUENCE_OPERATORS: ReadonlySet<string> = new Set([
  'SequenceConstruct',
  'SequenceEmpty',
  'SequenceErase',
  'SequenceInsert',
  'SplitToSequence',
]);

/**
 * Sequences whose length and places are known are lists of tensors: reads of one become the tensors themselves.
 * @returns true where the node was written with others
 */
export class Sequences {
  readonly #lists = new Map<string, readonly string[]>();
  readonly #writer: Writer;
  readonly #facts: FactTable;

  constructor(writer: Writer, facts: FactTable) {
    this.#writer = writer;
    this.#facts = facts;
  }

  /** Follows a node that makes a sequence (which stays where it is) or replaces one that reads it. */
  follow(node: GraphNode): boolean {
    const [output] = node.outputs as [string];
    const list = this.#lists.get(node.inputs[0] ?? '');
    switch (node.op) {
      case 'Identity':
        if (list) this.#lists.set(output, list);
        return false;
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
