/** Figures that a data set has, and no single image: class-mean pointing game, MaxBoxAcc, PxAP, ADCC of means. */

import { classMean } from '../metrics/data-set/class-mean.ts';
import { maxBoxAcc } from '../metrics/data-set/max-box-acc.ts';
import { pooledPxap } from '../metrics/data-set/pooled-pxap.ts';
import type { Direction } from '../metrics/definition.ts';
import type { Measurement } from '../metrics/measurement.ts';
import type { MetricRow } from './rows.ts';

/** What a measurement says besides its row. */
export type Extra = Partial<Pick<Measurement, 'curve' | 'details' | 'params'>> & { readonly kept?: Uint32Array };

/** The images of one maker, and the figure of them. */
export interface Gathering {
  add(row: MetricRow, extra: Extra): void;
  /** Groups of images that are resampled: an image each. */
  readonly groups: number;
  readonly images: number;
  /** @param times how often each group counts; once without */
  figure(times?: Uint32Array): number | null;
}

export interface DataSetFigure {
  readonly name: string;
  /** Of whose measurements it is made. */
  readonly metric: string;
  readonly direction: Direction;
  /** Rows alone do not tell it: they have to be measured again where a run is resumed. */
  readonly needsMore: boolean;
  gather(): Gathering;
}

/** Histograms are large: of more images several share one. */
const MOST_GROUPS = 250;

export const DATA_SET_FIGURES: readonly DataSetFigure[] = [
  {
    name: 'class-mean-pointing-game',
    metric: 'pointing-game',
    direction: 'higher',
    needsMore: false,
    gather: () => {
      const values: number[] = [];
      const classes: (string | number)[] = [];
      return gathering(
        values,
        row => {
          if (row.value === null) return;
          values.push(row.value);
          classes.push(row.class ?? row.label ?? '');
        },
        times => classMean(values, classes, times),
      );
    },
  },
  {
    name: 'max-box-acc',
    metric: 'max-box-acc',
    direction: 'higher',
    needsMore: true,
    gather: () => {
      const curves: Float32Array[] = [];
      let deltas: readonly number[] = [0.5];
      return gathering(
        curves,
        (_, { curve, params }) => {
          if (!curve) return;
          curves.push(Float32Array.from(curve.y));
          const delta = params?.delta;
          if (Array.isArray(delta)) deltas = delta as number[];
        },
        times => maxBoxAcc(curves, deltas, times)?.value ?? null,
      );
    },
  },
  {
    name: 'pxap',
    metric: 'pxap',
    direction: 'higher',
    needsMore: true,
    gather: () => {
      const histograms: Uint32Array[] = [];
      let images = 0;
      return {
        add: (_, { kept }) => {
          if (!kept) return;
          const group = images++ % MOST_GROUPS;
          const sum = histograms[group];
          if (!sum) histograms.push(kept.slice());
          else for (let i = 0; i < sum.length; i++) sum[i]! += kept[i]!;
        },
        get groups() {
          return histograms.length;
        },
        get images() {
          return images;
        },
        figure: times => pooledPxap(histograms, times),
      };
    },
  },
  {
    name: 'adcc-of-means',
    metric: 'adcc',
    direction: 'higher',
    needsMore: true,
    gather: () => {
      const parts: (readonly [coherency: number, complexity: number, drop: number])[] = [];
      return gathering(
        parts,
        (_, { details }) => {
          const found = [details?.coherency, details?.complexity, details?.averageDrop];
          if (found.every(part => typeof part === 'number')) parts.push(found as [number, number, number]);
        },
        times => adccOfMeans(parts, times),
      );
    },
  },
];

function gathering(list: readonly unknown[], add: Gathering['add'], figure: Gathering['figure']): Gathering {
  return {
    add,
    figure,
    get groups() {
      return list.length;
    },
    get images() {
      return list.length;
    },
  };
}

/** The harmonic mean of mean coherency, 1 − mean complexity and 1 − mean drop, as OpenVINO XAI has it; 0 where one of them is. */
export function adccOfMeans(
  parts: readonly (readonly [coherency: number, complexity: number, drop: number])[],
  times?: ArrayLike<number>,
): number | null {
  let [images, coherency, complexity, drop] = [0, 0, 0, 0];
  for (const [i, part] of parts.entries()) {
    const weight = times?.[i] ?? 1;
    images += weight;
    coherency += weight * part[0];
    complexity += weight * part[1];
    drop += weight * part[2];
  }
  if (images === 0) return null;
  const terms = [coherency / images, 1 - complexity / images, 1 - drop / images];
  return terms.some(term => term <= 0) ? 0 : 3 / terms.reduce((sum, term) => sum + 1 / term, 0);
}
