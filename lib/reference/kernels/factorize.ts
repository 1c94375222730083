import { type FactorizeOptions, type Factors, splitFactors, startSize } from '../../kernels/factorize.ts';
import { type FeatureMaps, featureShape } from '../../kernels/features.ts';
import { normalMagnitudes } from './random.ts';

const ITERATIONS = 200;
const TOLERANCE = 1e-4;

/** Twin of native/kernels/decompose/factorize.cpp. */
export function factorize(activations: FeatureMaps, options: FactorizeOptions): Factors {
  const { images, channels, positions, height, width } = featureShape(activations, 'activations');
  const { components } = options;
  const start = normalMagnitudes(options.seed, startSize(channels, positions, options));
  const size = channels * positions;
  const data = Array.from({ length: images }, (_, n) =>
    factorizeImage(activations.data.subarray(n * size, (n + 1) * size), channels, start, options),
  );
  const flat = Float32Array.from(data.flat());
  return splitFactors(flat, [images, components, height, width], channels);
}

/** Maps, concepts and offsets one after the other. */
function factorizeImage(
  activations: Float32Array,
  channels: number,
  start: Float32Array,
  { components, shift }: FactorizeOptions,
): number[] {
  const positions = activations.length / channels;
  if (!activations.every(Number.isFinite))
    return new Array<number>(components * (channels + positions) + channels).fill(Number.NaN);
  const rows = Array.from({ length: channels }, (_, k) => activations.subarray(k * positions, (k + 1) * positions));
  const offsets = rows.map(row => (shift ? Math.min(...row) : 0));
  const v = rows.map((row, k) => row.map(value => (shift ? value - offsets[k]! : Math.max(value, 0))));
  const mean = v.reduce((sum, row) => sum + row.reduce((part, value) => part + value, 0), 0) / activations.length;
  const scale = Math.sqrt(mean / components);
  const h = Array.from({ length: components }, (_, t) =>
    Float64Array.from(start.subarray(t * positions, (t + 1) * positions), value => scale * value),
  );
  const w = Array.from({ length: components }, (_, t) =>
    Float64Array.from({ length: channels }, (_, k) => scale * start[components * (positions + k) + t]!),
  );
  const vT = Array.from({ length: positions }, (_, i) => Float64Array.from(v, row => row[i]!));
  let first = 0;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const violation = descend(w, h, v) + descend(h, w, vT);
    if (iteration === 0) first = violation;
    if (violation <= TOLERANCE * first) break;
  }
  const order = w
    .map((concept, t) => {
      const norm = Math.hypot(...concept);
      const map = h[t]!.map(value => value * norm);
      const strength = Math.hypot(...map);
      return { map, concept: concept.map(value => (strength > 0 ? value / norm : 0)), strength };
    })
    .sort((a, b) => b.strength - a.strength);
  return [...order.flatMap(({ map }) => [...map]), ...order.flatMap(({ concept }) => [...concept]), ...offsets];
}

/** One pass over all coordinates of `factor` with the other one fixed; the sum of the projected gradients' sizes. */
function descend(factor: Float64Array[], other: readonly Float64Array[], v: readonly ArrayLike<number>[]): number {
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
    return sum;
  };
  const gram = other.map(a => other.map(b => dot(a, b)));
  let violation = 0;
  for (const [t, row] of factor.entries())
    for (let k = 0; k < row.length; k++) {
      const gradient = factor.reduce((sum, each, r) => sum + gram[t]![r]! * each[k]!, -dot(v[k]!, other[t]!));
      violation += row[k] === 0 ? Math.max(-gradient, 0) : Math.abs(gradient);
      if (gram[t]![t] !== 0) row[k] = Math.max(row[k]! - gradient / gram[t]![t]!, 0);
    }
  return violation;
}
