import type { MapMaker, MetricRow } from './rows.ts';

/** Metrics whose curves are worth a mean: those over shares of removed pixels. */
export const CURVED: ReadonlySet<string> = new Set([
  'deletion',
  'insertion',
  'lerf-deletion',
  'aopc',
  'road-morf',
  'road-lerf',
  'road',
]);

/** The mean curve of a metric over the images of a run. */
export interface MeanCurve extends MapMaker {
  readonly metric: string;
  /** Images. */
  readonly n: number;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

interface Sum {
  readonly maker: MapMaker;
  readonly metric: string;
  readonly x: readonly number[];
  readonly y: Float64Array;
  n: number;
}

/** Sums of curves: as much memory for a thousand images as for one. */
export class CurveSums {
  readonly #sums = new Map<string, Sum>();

  /** Curves of inputs of another size have other places and are kept apart. */
  add(
    { method, layer, convention, params, metric }: MapMaker & Pick<MetricRow, 'metric'>,
    curve: { readonly x: readonly number[]; readonly y: readonly number[] },
    images = 1,
  ): void {
    const maker = { method, layer, convention, params };
    const key = JSON.stringify([method, layer, convention, params, metric, curve.x]);
    let sum = this.#sums.get(key);
    if (!sum) this.#sums.set(key, (sum = { maker, metric, x: curve.x, y: new Float64Array(curve.y.length), n: 0 }));
    const { y } = sum;
    curve.y.forEach((value, i) => {
      y[i]! += value * images;
    });
    sum.n += images;
  }

  means(): MeanCurve[] {
    return [...this.#sums.values()].map(({ maker, metric, x, y, n }) => ({
      ...maker,
      metric,
      n,
      x,
      y: Array.from(y, value => value / n),
    }));
  }
}
