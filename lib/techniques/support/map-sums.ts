import type { Maps } from '../../kernels/types.ts';

/**
 * Weighted sums of stacks of maps that come one after the other, in float64; all have the same sizes. Holds the sum alone, however many
 * there are.
 */
export class MapSums {
  #totals: Float64Array[] | undefined;
  #shapes: readonly Maps[] = [];
  #weight = 0;

  /** @param of what is added of a value (default: the value) */
  add(layers: readonly Maps[], weight = 1, of?: (value: number) => number): void {
    this.#shapes = layers;
    this.#totals ??= layers.map(({ data }) => new Float64Array(data.length));
    this.#weight += weight;
    for (const [l, { data }] of layers.entries()) {
      const sum = this.#totals[l]!;
      if (of) for (let i = 0; i < data.length; i++) sum[i]! += weight * of(data[i]!);
      else for (let i = 0; i < data.length; i++) sum[i]! += weight * data[i]!;
    }
  }

  /** Of every value what becomes of its sum, the sum of the weights, and its place. */
  result(of: (sum: number, weight: number, layer: number, i: number) => number): Maps[] {
    return this.#totals!.map((totals, l) => ({
      ...this.#shapes[l]!,
      data: Float32Array.from(totals, (sum, i) => of(sum, this.#weight, l, i)),
    }));
  }

  mean(): Maps[] {
    return this.result((sum, weight) => sum / weight);
  }

  /** The sum of one value. */
  total(layer: number, i: number): number {
    return this.#totals![layer]![i]!;
  }
}
