import type { MetricCase, MetricConvention } from '../definition.ts';

/** A tool that lacks a metric, or a part of one, computes it as the paper does. */
export function asPaper(asked: MetricCase, ...except: readonly MetricConvention[]): MetricCase {
  return except.includes(asked.convention) ? asked : { ...asked, convention: 'paper' };
}
