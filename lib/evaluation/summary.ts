import type { Direction } from '../metrics/definition.ts';
import {
  type Interval,
  percentileInterval,
  RESAMPLES,
  type Resampling,
  resampledInterval,
  resampledMeans,
} from './bootstrap.ts';
import { type Comparison, comparePairs, meanRanks } from './compare.ts';
import { DATA_SET_FIGURES, type DataSetFigure, type Extra, type Gathering } from './data-set.ts';
import { isControl, type SummedMetric } from './direction.ts';
import type { Provenance } from './provenance.ts';
import { type EvaluationRow, isFailed, type MapMaker, makerKey } from './rows.ts';
import { momentsOf } from './statistics.ts';
import { type Column, ValuesTable } from './values-table.ts';

/** One metric of the maps of one maker over the images of a run. */
export interface SummaryEntry extends MapMaker {
  /** Canonical name. */
  readonly metric: string;
  /** Which way is better. */
  readonly direction: Direction;
  /** Whether the maps are none of a method, but what shows chance. */
  readonly control: boolean;
  /** Images with a value. */
  readonly n: number;
  /** Images without, by reason. */
  readonly missing: Readonly<Record<string, number>>;
  /** Over the images with a value, as median, sd and se. */
  readonly mean: number | null;
  /** Standard deviation of a sample (n − 1). */
  readonly sd: number | null;
  /** Standard error: sd / √n. */
  readonly se: number | null;
  /** Bootstrap over images; null for fewer than two. */
  readonly ci95: Interval | null;
  /** Of the values. */
  readonly median: number | null;
  /** Mean rank among all makers, 1 the best. */
  readonly rank: number | null;
  /** Images on which ranks were counted: those where all have a value. */
  readonly rankImages: number;
}

/** A figure that only the whole data set has. */
export interface DataSetEntry extends MapMaker {
  /** Of the figure. */
  readonly name: string;
  /** Which way is better. */
  readonly direction: Direction;
  /** Whether the maps are none of a method, but what shows chance. */
  readonly control: boolean;
  /** Images that it is made of. */
  readonly n: number;
  /** null where it is not defined. */
  readonly value: number | null;
  /** Bootstrap over images; null for fewer than two. */
  readonly ci95: Interval | null;
}

/** What the rows of an evaluation say together. */
export interface EvaluationSummary {
  /** Images with rows. */
  readonly images: number;
  /** Images without, because they could not be explained or measured. */
  readonly failed: number;
  /** For each maker of maps and each metric. */
  readonly metrics: readonly SummaryEntry[];
  /** Figures that only the whole data set has. */
  readonly dataSet: readonly DataSetEntry[];
  /** Pairs of makers, on the images where both have a value. */
  readonly comparisons: readonly Comparison[];
  /** What the numbers belong to. */
  readonly provenance: Provenance;
}

export interface SummaryOptions {
  readonly metrics: readonly SummedMetric[];
  readonly seed: number;
  /** Default 10,000. */
  readonly resamples?: number;
}

/** Resamples of figures that are computed again for each. */
const COSTLY_RESAMPLES = 1000;

/** Columns whose resampled means are in memory at the same time: 80 kB each. */
const COLUMNS_AT_ONCE = 256;

/** Gathers rows as they come; a number is kept of each. */
export class SummaryBuilder {
  readonly #options: SummaryOptions;
  readonly #table = new ValuesTable();
  readonly #gatherings = new Map<string, { maker: MapMaker; figure: DataSetFigure; of: Gathering }>();

  constructor(options: SummaryOptions) {
    this.#options = options;
  }

  /** @param extra what figures of the data set need besides the row */
  add(row: EvaluationRow, extra: Extra = {}): void {
    this.#table.add(row);
    if (isFailed(row)) return;
    for (const figure of DATA_SET_FIGURES) {
      if (figure.metric !== row.metric) continue;
      const { method, layer, convention, params } = row;
      const key = JSON.stringify([figure.name, makerKey(row)]);
      let found = this.#gatherings.get(key);
      if (!found) {
        found = { maker: { method, layer, convention, params }, figure, of: figure.gather() };
        this.#gatherings.set(key, found);
      }
      found.of.add(row, extra);
    }
  }

  /**
   * What the rows so far say. Lets the event loop turn.
   * @throws `ERR_ABORTED`
   */
  async summary(provenance: Provenance, signal?: AbortSignal): Promise<EvaluationSummary> {
    const images = this.#table.images();
    const how: Resampling = { images: images.length, ...this.#resampling, signal };
    const columns = this.#table.columns();
    const entries: SummaryEntry[] = [];
    const comparisons: Comparison[] = [];
    for (const metrics of inGroups(this.#options.metrics, columns)) {
      // Of several metrics at once: resamples are drawn once for all of them.
      const all = metrics.flatMap(({ own }) => own.map(column => column.at(images)));
      const allMeans = await resampledMeans(all, how);
      let from = 0;
      for (const { name, direction, own } of metrics) {
        const [values, means] = [all, allMeans].map(list => list.slice(from, from + own.length)) as [
          Float64Array[],
          Float64Array[],
        ];
        from += own.length;
        const { ranks, images: rankImages } = meanRanks(values, direction);
        own.forEach((column, c) => {
          const entry = entryOf(column, direction, values[c]!, means[c]!);
          entries.push({ ...entry, rank: ranks[c]!, rankImages });
        });
        const compared = own.map(({ maker }, c) => ({ maker, values: values[c]!, means: means[c]! }));
        comparisons.push(...(await comparePairs(name, direction, compared, how)));
      }
    }
    return {
      images: images.length,
      failed: this.#table.failed,
      metrics: entries,
      dataSet: await this.#dataSet(signal),
      comparisons,
      provenance,
    };
  }

  get #resampling(): { seed: number; resamples: number } {
    const { seed, resamples = RESAMPLES } = this.#options;
    return { seed, resamples };
  }

  async #dataSet(signal: AbortSignal | undefined): Promise<DataSetEntry[]> {
    const found: DataSetEntry[] = [];
    const { seed, resamples } = this.#resampling;
    for (const { maker, figure, of } of this.#gatherings.values()) {
      const how = { images: of.groups, seed, resamples: Math.min(resamples, COSTLY_RESAMPLES), signal };
      const ci95 = await resampledInterval(times => of.figure(times), how);
      const { name, direction } = figure;
      found.push({
        ...maker,
        name,
        direction,
        control: isControl(maker.method),
        n: of.images,
        value: of.figure(),
        ci95,
      });
    }
    return found;
  }
}

interface MetricColumns extends SummedMetric {
  readonly own: readonly Column[];
}

/** Metrics with their columns, so many together as may be in memory with their resampled means. */
function inGroups(metrics: readonly SummedMetric[], columns: readonly Column[]): MetricColumns[][] {
  const groups: MetricColumns[][] = [];
  let count = COLUMNS_AT_ONCE;
  for (const { name, direction } of metrics) {
    const own = columns.filter(({ metric }) => metric === name);
    if (own.length === 0) continue;
    if (count + own.length > COLUMNS_AT_ONCE) {
      groups.push([]);
      count = 0;
    }
    groups.at(-1)!.push({ name, direction, own });
    count += own.length;
  }
  return groups;
}

function entryOf(
  { maker, metric, missing }: Column,
  direction: Direction,
  values: Float64Array,
  means: Float64Array,
): Omit<SummaryEntry, 'rank' | 'rankImages'> {
  const moments = momentsOf(values.filter(value => !Number.isNaN(value)));
  const { n, mean, sd, se, median } = moments ?? { n: 0, mean: null, sd: null, se: null, median: null };
  const ci95 = n < 2 ? null : percentileInterval(means);
  const control = isControl(maker.method);
  return { ...maker, metric, direction, control, n, missing, mean, sd, se, ci95, median };
}
