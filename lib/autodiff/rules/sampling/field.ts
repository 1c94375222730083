import { minusFrom, plus, scale } from '../../blocked.ts';
import type { Emitter } from '../../emitter.ts';
import { clamp } from '../../forms.ts';
import { range, type Value } from '../../value.ts';

/** What is read outside: zeros, or the cell at the place that the index is mapped to. */
export type Padding = 'zeros' | 'border' | 'reflection';

/** A feature map [N, C, cells] with its spatial sizes; places are given per axis as [N, P], in cells. */
export interface Field {
  readonly e: Emitter;
  readonly flat: Value;
  readonly sizes: readonly number[];
}

/** One axis of many places: whole indices within the map, and how much the value read there counts. */
export interface Tap {
  readonly index: Value;
  readonly weight: Value | undefined;
}

/** A whole coordinate as an index within the map; behind the edge its weight becomes zero. */
export function tap(e: Emitter, whole: Value, size: number, weight: Value | undefined, padding: Padding): Tap {
  const index = clamp(e, whole, 0, size - 1);
  if (padding !== 'zeros') return { index, weight };
  const inside = e.equal(index, whole);
  return { index, weight: weight ? e.mul(weight, inside) : inside };
}

/** Σ over all combinations of one tap per axis of weight × value: [N, C, P]. */
export function readField({ e, flat, sizes }: Field, taps: readonly (readonly Tap[])[]): Value {
  const channels = flat.dims[1]!;
  let sum: Value | undefined;
  for (const combination of product(taps)) {
    let place: Value | undefined;
    let weight: Value | undefined;
    for (const [axis, { index, weight: own }] of combination.entries()) {
      place = place ? e.add(scale(e, place, sizes[axis]!), index) : index;
      if (own) weight = weight ? e.mul(weight, own) : own;
    }
    const [own, count] = place!.dims as [number, number];
    // One image may be read for several scores.
    const rows = flat.dims[0] === -1 ? -1 : own;
    const column = e.reshape(e.cast(place!, 'int64'), [own, 1, count]);
    const dims = [rows, channels, count];
    const indices = e.node('Expand', [column, e.ints([1, channels, 1])], { type: 'int64', dims });
    const values = e.node('GatherElements', [flat, indices], { type: flat.type, dims }, { axis: 2 });
    const part = weight ? e.mul(values, e.reshape(weight, [weight.dims[0]!, 1, count])) : values;
    sum = sum ? e.add(sum, part) : part;
  }
  return sum!;
}

const product = (taps: readonly (readonly Tap[])[]): Tap[][] =>
  taps.reduce<Tap[][]>((all, axis) => all.flatMap(before => axis.map(item => [...before, item])), [[]]);

/** The two cells around a coordinate, by distance. */
export function linearTaps(e: Emitter, coordinate: Value, size: number, padding: Padding): Tap[] {
  const low = e.unary('Floor', coordinate);
  const fraction = e.sub(coordinate, low);
  return [tap(e, low, size, minusFrom(e, 1, fraction), padding), tap(e, plus(e, low, 1), size, fraction, padding)];
}

/** The same for one axis after the other, of coordinates [N, P]. */
export const readLinear = (field: Field, coordinates: readonly Value[], padding: Padding): Value =>
  readField(
    field,
    range(coordinates.length).map(axis => linearTaps(field.e, coordinates[axis]!, field.sizes[axis]!, padding)),
  );
