import type { MapStatus } from '../result/status.ts';
import type { MetricSpec } from './choose.ts';
import type { Direction, MetricDefinition, MetricParams, MetricValue } from './definition.ts';
import type { MetricName } from './names.ts';

/** What a metric says of one map of one image. */
export interface Measurement {
  readonly metric: string;
  /** null where it is not defined, with a reason. */
  readonly value: number | null;
  readonly reason: string | null;
  readonly direction: Direction;
  readonly unit: MetricDefinition['unit'];
  readonly params: MetricParams;
  /** What was read of the network's answer; null for metrics that read none. */
  readonly score: string | null;
  /** What removed pixels became; null where nothing was removed. */
  readonly baseline: string | number | null;
  readonly curve: MetricValue['curve'] | null;
  readonly details: Readonly<Record<string, number | null>>;
  /** Forward passes that it asked for, counted in images; metrics of one call share equal ones. */
  readonly runs: number;
  /** Of the map. */
  readonly status: MapStatus;
  readonly warnings: readonly string[];
  /** What the value over a data set needs of this image (data-set/); not enumerable. */
  readonly kept?: Uint32Array;
}

/** What metrics say of one map, by name. */
export type Measurements = Readonly<Record<string, Measurement>>;

/** The same where the names are known while the program is written. */
export type MeasurementsOf<M extends readonly MetricSpec[]> = [NameOf<M[number]>] extends [MetricName]
  ? { readonly [Name in NameOf<M[number]>]: Measurement }
  : Measurements;

type NameOf<S extends MetricSpec> = S extends { readonly metric: infer Name } ? Name : S;
