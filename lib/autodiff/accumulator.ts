import { expand } from './broadcast.ts';
import type { Emitter } from './emitter.ts';
import { padAxis } from './forms.ts';
import { replaceAt, type Value } from './value.ts';

/** A gradient that is zero outside `start … start + length` of one axis. */
export interface Part {
  readonly axis: number;
  readonly start: number;
  readonly length: number;
}

interface PlacedPart extends Part {
  readonly gradient: Value;
}

/** Collects the contributions to the gradient of one tensor. */
export class Accumulator {
  readonly #tensor: Value;
  readonly #whole: Value[] = [];
  readonly #parts: PlacedPart[] = [];
  readonly #indices: Value[] = [];

  constructor(tensor: Value) {
    this.#tensor = tensor;
  }

  add(gradient: Value): void {
    this.#whole.push(gradient);
  }

  addPart(part: Part, gradient: Value): void {
    if (part.start === 0 && part.length === this.#tensor.dims[part.axis]) this.#whole.push(gradient);
    else this.#parts.push({ ...part, gradient });
  }

  /** One-hot rows along the class axis, given by int64 class indices. */
  addIndex(index: Value): void {
    this.#indices.push(index);
  }

  /** The class indices, if they are all there is. */
  get onlyIndex(): Value | undefined {
    return this.#whole.length === 0 && this.#parts.length === 0 && this.#indices.length === 1
      ? this.#indices[0]
      : undefined;
  }

  /** The sum of all contributions, possibly lazy; undefined when there are none. */
  total(e: Emitter): Value | undefined {
    const whole = [
      ...this.#whole,
      ...this.#indices.map(index => oneHot(e, index, this.#tensor)),
      ...joinParts(e, this.#parts, this.#tensor),
    ];
    return whole.reduce<Value | undefined>((sum, item) => (sum ? e.add(sum, item) : item), undefined);
  }
}

/** Disjoint parts of one axis become one Concat with zeros in the gaps; parts that overlap are padded and added. */
function joinParts(e: Emitter, parts: readonly PlacedPart[], tensor: Value): Value[] {
  return [...new Set(parts.map(part => part.axis))].flatMap(axis => {
    const sorted = parts.filter(part => part.axis === axis).sort((a, b) => a.start - b.start);
    const rows: PlacedPart[][] = [];
    for (const part of sorted) {
      const row = rows.find(items => end(items.at(-1)!) <= part.start);
      if (row) row.push(part);
      else rows.push([part]);
    }
    return rows.map(row => joinRow(e, row, axis, tensor));
  });
}

const end = (part: Part): number => part.start + part.length;

function joinRow(e: Emitter, row: readonly PlacedPart[], axis: number, tensor: Value): Value {
  const size = tensor.dims[axis]!;
  // Axes on which every part is constant stay so; the others must agree before the parts can be joined.
  const axes = tensor.dims.map((_, index) => index);
  const written = axes.filter(index => index === axis || row.some(part => part.gradient.dims[index] !== 1));
  const full = row.map(part => {
    const slice = { ...tensor, dims: replaceAt(tensor.dims, axis, part.length) };
    return { ...part, gradient: expand(e, part.gradient, slice, written) };
  });
  // Zeros in the gaps come from padding the part beside them, which needs no run-time shape.
  let position = 0;
  const pieces = full.map((part, index) => {
    const before = part.start - position;
    const after = index === full.length - 1 ? size - end(part) : 0;
    position = end(part);
    return padAxis(e, part.gradient, axis, before, after);
  });
  return e.concat(pieces, axis);
}

/** Writes class indices [N] out as the gradient [N, classes, 1, …] they stand for. */
export function oneHot(e: Emitter, index: Value, tensor: Value): Value {
  const classes = tensor.dims[1]!;
  const rows = index.dims[0]!;
  const numbers = e.constant(
    Array.from({ length: classes }, (_, item) => item),
    'int64',
    [1, classes],
  );
  const column = e.reshape(index, [rows, 1]);
  const hits = e.node('Equal', [column, numbers], { type: 'bool', dims: [rows, classes] });
  return e.reshape(e.cast(hits, tensor.type), [rows, classes, ...tensor.dims.slice(2)]);
}
