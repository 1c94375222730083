/** Cells that belong together, as runs of neighbours in a row; the runs lie in row order. */
export interface Components {
  /** Numbered by the row order of their first cells. */
  readonly count: number;
  readonly runs: readonly Run[];
}

export interface Run {
  readonly row: number;
  readonly begin: number;
  /** Behind its last cell. */
  readonly end: number;
  /** Number of the component. */
  component: number;
}

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
  const reach = connectivity === 8 ? 1 : 0;
  const runs: Run[] = [];
  const parents: number[] = [];
  const rootOf = (run: number): number => {
    let at = run;
    while (parents[at] !== at) at = parents[at] = parents[parents[at]!]!;
    return at;
  };
  let above = 0;
  for (let row = 0; row < height; row++) {
    const first = runs.length;
    let from = above;
    for (let x = 0; x < width; x++) {
      if (cells[row * width + x] !== value) continue;
      const begin = x;
      while (x < width && cells[row * width + x] === value) x++;
      const number = runs.length;
      runs.push({ row, begin, end: x, component: 0 });
      parents.push(number);
      while (from < first && runs[from]!.end + reach <= begin) from++;
      for (let i = from; i < first && runs[i]!.begin < x + reach; i++) {
        const [a, b] = [rootOf(i), rootOf(number)];
        parents[Math.max(a, b)] = Math.min(a, b);
      }
    }
    above = first;
  }
  let count = 0;
  for (const [i, run] of runs.entries()) {
    const root = rootOf(i);
    run.component = root === i ? count++ : runs[root]!.component;
  }
  return { count, runs };
}

/** What surrounds a component: first and last column and row. */
export interface Extent {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** Of each component, in their order. */
export function extentsOf({ count, runs }: Components): Extent[] {
  const extents: Extent[] = Array.from({ length: count }, () => ({ x0: Infinity, y0: Infinity, x1: -1, y1: -1 }));
  for (const { row, begin, end, component } of runs) {
    const extent = extents[component]!;
    extent.x0 = Math.min(extent.x0, begin);
    extent.x1 = Math.max(extent.x1, end - 1);
    extent.y0 = Math.min(extent.y0, row);
    extent.y1 = row;
  }
  return extents;
}
