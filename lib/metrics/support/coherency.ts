import { pearson } from '../../common/pearson.ts';
import type { MetricCase, MetricChoice, MetricValue } from '../definition.ts';
import { maskedInput } from './masked.ts';

/** Second maps by masked input: metrics of a call that explain the same explain it once. */
const explained = new WeakMap<Float32Array, Promise<Float32Array>>();

/** (pearson(S, S′) + 1) / 2, S′ the map of E = x ⊙ S; a map that does not vary has 0, under pytorch-grad-cam's convention .5. */
export async function coherencyOf(asked: MetricCase): Promise<MetricValue & { value: number }> {
  const input = await maskedInput(asked);
  let second = explained.get(input);
  if (!second) explained.set(input, (second = asked.explain!({ input })));
  return coherencyBetween(asked.map.data, await second, asked);
}

export function coherencyBetween(
  map: Float32Array,
  second: Float32Array,
  { convention }: Pick<MetricChoice, 'convention'>,
): MetricValue & { value: number } {
  const similar = pearson(map, second);
  if (similar === null) return { value: convention === 'pytorch-grad-cam' ? 0.5 : 0, reason: 'constant map' };
  if (convention !== 'pytorch-grad-cam') return { value: (similar + 1) / 2 };
  const deviations = deviation(map) * deviation(second);
  return { value: ((similar * deviations) / (deviations + 1e-8) + 1) / 2 };
}

/** Of a sample: by n − 1. */
function deviation(values: Float32Array): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** mean |S|. */
export function complexityOf(map: Float32Array): number {
  return map.reduce((sum, value) => sum + Math.abs(value), 0) / map.length;
}
