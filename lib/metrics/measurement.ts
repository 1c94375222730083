import type { MapStatus } from '../result/status.ts';
import type { MetricSpec } from './choose.ts';
import type { Direction, MetricParams, MetricUnit, MetricValue } from './definition.ts';
import type { MetricName } from './names.ts';

/** What a metric says of one map of one image. */
export interface Measurement {
  /** Canonical name. */
  readonly metric: string;
  /** null where it is not defined, with a reason. */
  readonly value: number | null;
  /** Why there is no value; null where there is one. */
  readonly reason: string | null;
  /** Which way is better. */
  readonly direction: Direction;
  /** Of the value. */
  readonly unit: MetricUnit;
  /** With defaults filled in. */
  readonly params: MetricParams;
  /** What was read of the network's answer; null for metrics that read none. */
  readonly score: string | null;
  /** What removed pixels became; null where nothing was removed. */
  readonly baseline: string | number | null;
  /** Points of the curve that the value is made of; null where there is none. */
  readonly curve: MetricValue['curve'] | null;
  /** What else is worth a look, by name. */
  readonly details: Readonly<Record<string, number | null>>;
  /** Forward passes that it asked for, counted in images; metrics of one call share equal ones. */
  readonly runs: number;
  /** Of the map. */
  readonly status: MapStatus;
  /** What is to be known before the value is used. */
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
