import type { Direction, MetricDefinition, MetricFamily, MetricNeeds, MetricParam } from './definition.ts';
import { aliasesOf, METRICS } from './registry.ts';

/** What a metric is, needs and costs; plain data. */
export interface MetricInfo {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly title: string;
  readonly family: MetricFamily;
  readonly source: string;
  readonly direction: Direction;
  readonly range: readonly [number | null, number | null];
  readonly unit: MetricDefinition['unit'];
  readonly needs: MetricNeeds;
  /** F forward pass of the network, M the method once more. */
  readonly cost: string;
  readonly params: Readonly<Record<string, MetricParam>>;
}

/** Every metric of this version, in the order of the documentation. */
export function listMetrics(): MetricInfo[] {
  return METRICS.map(metric => {
    const { name, title, family, source, direction, range, unit, needs, cost, params = {} } = metric;
    return { name, aliases: aliasesOf(metric), title, family, source, direction, range, unit, needs, cost, params };
  });
}
