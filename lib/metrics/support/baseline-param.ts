import type { Baseline } from '../baseline.ts';
import type { MetricConvention, MetricParam, MetricParams } from '../definition.ts';

/** What a removed pixel becomes. */
export function baselineParam(
  standard: Baseline,
  defaults: Readonly<Partial<Record<MetricConvention, Baseline>>> = {},
  what = 'a removed pixel',
): MetricParam {
  return {
    type: 'baseline',
    default: standard,
    defaults,
    description: `what ${what} becomes: a name, or a number in the units of the input`,
  };
}

export const baselineOf = (params: MetricParams, name = 'baseline'): Baseline => params[name] as Baseline;
