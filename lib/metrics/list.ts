import type { Direction, MetricFamily, MetricNeeds, MetricParam, MetricUnit } from './definition.ts';
import { aliasesOf, METRICS } from './registry.ts';

/** What a metric is, needs and costs; plain data. */
export interface MetricInfo {
  /** Canonical name. */
  readonly name: string;
  /** Other spellings that are understood. */
  readonly aliases: readonly string[];
  /** As its source calls it. */
  readonly title: string;
  /** What it asks. */
  readonly family: MetricFamily;
  /** Where the formula comes from. */
  readonly source: string;
  /** Which way is better. */
  readonly direction: Direction;
  /** Least and largest value; null where there is none. */
  readonly range: readonly [number | null, number | null];
  /** Of the value. */
  readonly unit: MetricUnit;
  /** What it needs besides the map. */
  readonly needs: MetricNeeds;
  /** F forward pass of the network, M the method once more. */
  readonly cost: string;
  /** By name. */
  readonly params: Readonly<Record<string, MetricParam>>;
}

/** Every metric of this version, in the order of the documentation. */
export function listMetrics(): MetricInfo[] {
  return METRICS.map(metric => {
    const { name, title, family, source, direction, range, unit, needs, cost, params = {} } = metric;
    return { name, aliases: aliasesOf(metric), title, family, source, direction, range, unit, needs, cost, params };
  });
}
