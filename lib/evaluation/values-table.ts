import { type EvaluationRow, isFailed, type MapMaker } from './rows.ts';

/** The values of one metric for the maps of one maker, image by image. */
export class Column {
  readonly maker: MapMaker;
  readonly metric: string;
  /** Images without a value, by reason. */
  readonly missing: Record<string, number> = {};
  #values = new Float64Array(64).fill(Number.NaN);

  constructor(maker: MapMaker, metric: string) {
    this.maker = maker;
    this.metric = metric;
  }

  set(index: number, value: number): void {
    if (index >= this.#values.length) {
      const larger = new Float64Array(Math.max(index + 1, 2 * this.#values.length)).fill(Number.NaN);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[index] = value;
  }

  miss(reason: string): void {
    this.missing[reason] = (Object.hasOwn(this.missing, reason) ? this.missing[reason]! : 0) + 1;
  }

  /** Of these images, in their order; NaN where there is none. */
  at(images: Uint32Array): Float64Array {
    return Float64Array.from(images, index => this.#values[index] ?? Number.NaN);
  }
}

/** What is kept of rows: a number for each. Makers in the order in which they came. */
export class ValuesTable {
  readonly #columns = new Map<string, Column>();
  #seen = new Uint8Array(64);
  #failed = 0;

  add(row: EvaluationRow): void {
    if (isFailed(row)) {
      this.#failed++;
      return;
    }
    const { method, layer, convention, params, metric, index, value, reason } = row;
    const key = JSON.stringify([method, layer, convention, params, metric]);
    let column = this.#columns.get(key);
    if (!column) {
      column = new Column({ method, layer, convention, params }, metric);
      this.#columns.set(key, column);
    }
    this.#see(index);
    if (value === null || !Number.isFinite(value)) column.miss(reason ?? 'no value');
    else column.set(index, value);
  }

  #see(index: number): void {
    if (index >= this.#seen.length) {
      const larger = new Uint8Array(Math.max(index + 1, 2 * this.#seen.length));
      larger.set(this.#seen);
      this.#seen = larger;
    }
    this.#seen[index] = 1;
  }

  /** Indices of the images that have rows, ascending: whatever the order in which they were done. */
  images(): Uint32Array {
    return Uint32Array.from([...this.#seen.keys()].filter(index => this.#seen[index] === 1));
  }

  get failed(): number {
    return this.#failed;
  }

  columns(): readonly Column[] {
    return [...this.#columns.values()];
  }
}
