import { throwIfAborted } from '../../common/errors.ts';
import { sideBySide } from '../../common/side-by-side.ts';
import type { MetricCase, MetricParam, MetricValue } from '../definition.ts';
import { drawOf } from './draw.ts';

/** Maps that are asked for at once: enough for a batch, few enough to be held. */
const AT_ONCE = 8;

export const SENSITIVITY_PARAMS = {
  radius: {
    type: 'number',
    default: 0.02,
    defaults: { quantus: 0.2 },
    min: 0,
    description: 'of the uniform noise on every value of the normalised input',
  },
  n: { type: 'integer', default: 10, defaults: { quantus: 200 }, min: 1, description: 'noisy inputs' },
} as const satisfies Record<string, MetricParam>;

/**
 * ‖S(x + δ) − S(x)‖ / ‖S(x)‖ of each input with uniform noise δ; the target stays that of x. A map of zeros is divided by 1, as in
 * captum; under Quantus' convention it has no value.
 * @param summary of these ratios
 */
export async function sensitivity(
  { subject, map, params, convention, explain, signal }: MetricCase,
  metric: string,
  summary: (ratios: readonly number[]) => number,
): Promise<MetricValue> {
  const norm = Math.sqrt(map.data.reduce((sum, value) => sum + value * value, 0));
  if (norm === 0 && convention === 'quantus') return { value: null, reason: 'the map is zero everywhere' };
  const radius = params.radius as number;
  const samples = Array.from({ length: params.n as number }, (_, sample) => sample);
  const ratios = await sideBySide(samples, AT_ONCE, async sample => {
    throwIfAborted(signal);
    const draw = drawOf(subject, metric, sample);
    const noisy = await explain!({ input: subject.input.map(value => value + radius * (2 * draw.uniform() - 1)) });
    return distance(noisy, map.data) / (norm || 1);
  });
  if (!ratios.every(Number.isFinite)) return { value: null, reason: 'a map of a noisy input is not finite' };
  return { value: summary(ratios) };
}

function distance(a: Float32Array, b: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(squares);
}
