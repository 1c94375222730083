import { SLICE } from '../common/slices.ts';
import { toEnd } from '../common/to-end.ts';

/** Cells that belong together, as runs of neighbours in a row; the runs lie in row order. */
export interface Components {
  /** Numbered by the row order of their first cells. */
  readonly count: number;
  /** How many runs there are; the arrays may be longer. */
  readonly runs: number;
  /** Of each run: its row, */
  readonly rows: Int32Array;
  /** its first column, */
  readonly begins: Int32Array;
  /** the column behind its last one, */
  readonly ends: Int32Array;
  /** and the number of its component. */
  readonly numbers: Int32Array;
}

/** How many neighbours a pixel has. */
export type Connectivity = 4 | 8;

/**
 * The connected components of the cells that hold `value`: runs of a row are joined with those that they touch in the row above,
 * with 8 neighbours also by a corner.
 * @param cells [height, width]
 */
export function findComponents(
  cells: Uint8Array,
  width: number,
  height: number,
  connectivity: Connectivity,
  value = 1,
): Components {
  return toEnd(componentSteps(cells, width, height, connectivity, value));
}

/** The same in steps, for large maps. */
export function* componentSteps(
  cells: Uint8Array,
  width: number,
  height: number,
  connectivity: Connectivity,
  value = 1,
): Generator<void, Components> {
  const reach = connectivity === 8 ? 1 : 0;
  const most = height * Math.ceil(width / 2);
  const [rows, begins, ends] = [new Int32Array(most), new Int32Array(most), new Int32Array(most)];
  const parents = new Int32Array(most);
  let runs = 0;
  let above = 0;
  let seen = 0;
  for (let row = 0; row < height; row++) {
    const first = runs;
    const start = row * width;
    let from = above;
    for (let x = 0; x < width; x++) {
      if (cells[start + x] !== value) continue;
      const begin = x;
      while (x < width && cells[start + x] === value) x++;
      rows[runs] = row;
      begins[runs] = begin;
      ends[runs] = x;
      parents[runs] = runs;
      while (from < first && ends[from]! + reach <= begin) from++;
      for (let i = from; i < first && begins[i]! < x + reach; i++) join(parents, i, runs);
      runs++;
    }
    above = first;
    seen += width;
    if (seen < SLICE) continue;
    seen = 0;
    yield;
  }
  // A root comes before all that belong to it.
  let count = 0;
  const numbers = parents;
  for (let i = 0; i < runs; i++) numbers[i] = parents[i] === i ? count++ : numbers[parents[i]!]!;
  return { count, runs, rows, begins, ends, numbers };
}

/** The smaller of two roots becomes that of both. */
function join(parents: Int32Array, a: number, b: number): void {
  const [rootA, rootB] = [rootOf(parents, a), rootOf(parents, b)];
  if (rootA < rootB) parents[rootB] = rootA;
  else parents[rootA] = rootB;
}

function rootOf(parents: Int32Array, run: number): number {
  let at = run;
  while (parents[at] !== at) at = parents[at] = parents[parents[at]!]!;
  return at;
}

/** What surrounds a component: first and last column and row. */
export interface Extent {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** Of each component, in their order. */
export function extentsOf({ count, runs, rows, begins, ends, numbers }: Components): Extent[] {
  const extents: Extent[] = [];
  for (let i = 0; i < count; i++) extents.push({ x0: Infinity, y0: 0, x1: -1, y1: -1 });
  for (let i = 0; i < runs; i++) {
    const extent = extents[numbers[i]!]!;
    if (extent.y1 < 0) extent.y0 = rows[i]!;
    extent.y1 = rows[i]!;
    if (begins[i]! < extent.x0) extent.x0 = begins[i]!;
    if (ends[i]! > extent.x1 + 1) extent.x1 = ends[i]! - 1;
  }
  return extents;
}
