import type { MetricRow, RowPlace } from './rows.ts';

/** Which rows of an earlier run there are: a bit for each, and the names of the images. */
export class RowsDone {
  readonly #images: (string | undefined)[] = [];
  readonly #columns = new Map<string, Set<number>>();

  add(row: MetricRow): void {
    // An index that is out of all proportion would make the list sparse, not long.
    this.#images[row.index] = row.image;
    const key = columnOf(row);
    let column = this.#columns.get(key);
    if (!column) this.#columns.set(key, (column = new Set()));
    column.add(row.index);
  }

  has(place: RowPlace): boolean {
    return this.#images[place.index] === place.image && (this.#columns.get(columnOf(place))?.has(place.index) ?? false);
  }
}

function columnOf({ method, layer, convention, params, metric }: Omit<RowPlace, 'image' | 'index'>): string {
  return JSON.stringify([method, layer, convention, params, metric]);
}
