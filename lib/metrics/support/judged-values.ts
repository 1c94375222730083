import type { MetricConvention } from '../definition.ts';
import type { JudgedMap } from '../judged-map.ts';

/** |S|; under Quantus' convention, which normalises before it measures, divided by its largest value. */
export function magnitudes({ data }: Pick<JudgedMap, 'data'>, convention: MetricConvention): Float32Array {
  const absolute = data.map(Math.abs);
  return convention === 'quantus' ? byMaximum(absolute) : absolute;
}

/** Divided by the largest |S|; a map of zeros stays as it is. */
export function byMaximum(data: Float32Array): Float32Array {
  const max = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return max === 0 ? data : data.map(value => value / max);
}
