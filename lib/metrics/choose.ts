import { checkNamed, invalid } from '../common/checks.ts';
import type { MetricConvention, MetricDefinition, MetricParams, MetricParamValue } from './definition.ts';
import type { MetricName } from './names.ts';
import { resolveMetricParams } from './params.ts';
import { findMetric, METRICS } from './registry.ts';

/** Also other spellings; editors list the names. */
type AnyName = MetricName | (string & {});

/** A metric's name, or with parameters of its own. */
export type MetricSpec =
  | AnyName
  | { readonly metric: AnyName; readonly params?: Readonly<Record<string, MetricParamValue>> | undefined };

export interface ChosenMetric {
  readonly definition: MetricDefinition;
  readonly convention: MetricConvention;
  readonly params: MetricParams;
}

/**
 * The metrics of a call.
 * @param specs default: all that do not need the method once more, those that need the truth where there is some
 * @throws `ERR_METRIC_UNKNOWN`, `ERR_OPTION_INVALID` (parameters, one metric twice)
 */
export function chooseMetrics(
  specs: readonly MetricSpec[] | undefined,
  convention: MetricConvention,
  hasTruth: boolean,
): ChosenMetric[] {
  const wanted = specs ?? usualMetrics(hasTruth);
  if (!Array.isArray(wanted) || wanted.length === 0)
    throw invalid('`metrics` is an array with at least one name, or { metric, params }');
  const seen = new Set<string>();
  return wanted.map(spec => {
    checkNamed(spec, 'metric');
    const { metric, params = {} } = typeof spec === 'string' ? { metric: spec } : spec;
    const definition = findMetric(metric);
    if (seen.has(definition.name)) throw invalid(`\`metrics\` names ${definition.name} twice; make a call for each`);
    seen.add(definition.name);
    return { definition, convention, params: resolveMetricParams(definition, params, convention) };
  });
}

/** Names of the metrics of a call that names none: explaining again may cost many times as much. */
export function usualMetrics(hasTruth: boolean): string[] {
  return METRICS.filter(({ needs }) => !needs.explanations && (!needs.truth || hasTruth)).map(({ name }) => name);
}
