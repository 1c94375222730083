import type { PictureShape } from '../../lib/kernels/picture-values.ts';
import type { ExplainAgain, MetricConvention, MetricParamValue, MetricValue } from '../../lib/metrics/definition.ts';
import { JudgedMap } from '../../lib/metrics/judged-map.ts';
import { resolveMetricParams } from '../../lib/metrics/params.ts';
import { findMetric } from '../../lib/metrics/registry.ts';
import { Subject } from '../../lib/metrics/subject.ts';
import type { PixelVariant } from '../../lib/scoring/pixel-variants.ts';

/** Conv with kernel and stride `size`, Relu, Flatten, Gemm: M2 of docs/methods.md and its like, in plain JavaScript. */
export interface FixtureNetwork {
  readonly shape: PictureShape;
  readonly size: number;
  /** [filters, C, size, size] and [filters]. */
  readonly kernels: readonly number[];
  readonly offsets: readonly number[];
  /** [classes, filters · h · w] and [classes]. */
  readonly rows: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

export const M2: FixtureNetwork = {
  shape: { channels: 1, height: 4, width: 4, channelsLast: false },
  size: 2,
  kernels: [1, 0, 0, 1, 0, 1, 0.5, -1],
  offsets: [0, 0.5],
  rows: [
    [0.5, -0.2, 0.1, 0.4, -0.3, 0.6, 0.2, -0.1],
    [-0.1, 0.3, 0.2, 0.1, 0.4, 0.2, -0.2, 0.3],
    [0.2, 0.1, -0.3, 0.1, 0.1, -0.4, 0.3, 0.2],
  ],
  bias: [0.1, 0, -0.1],
};

export const M2_INPUT = Float32Array.of(1, 2, 0, 1, 0, 1, 3, 0, 2, 0, 1, 1, 1, 1, 0, 2);

/** S of the fixture: Grad-CAM of class 0, as pytorch-grad-cam finishes it. */
export const M2_MAP = Float32Array.of(
  ...[0.833333, 0.625, 0.208333, 0, 0.875, 0.71875, 0.40625, 0.25],
  ...[0.958333, 0.90625, 0.802083, 0.75, 1, 1, 1, 1],
);

/** [filters, h, w] after the Relu. */
function activations({ shape, size, kernels, offsets }: FixtureNetwork, input: ArrayLike<number>): number[] {
  const { channels, height, width, channelsLast } = shape;
  const found: number[] = [];
  for (const [f, offset] of offsets.entries())
    for (let top = 0; top + size <= height; top += size)
      for (let left = 0; left + size <= width; left += size) {
        let sum = offset;
        for (let c = 0; c < channels; c++)
          for (let dy = 0; dy < size; dy++)
            for (let dx = 0; dx < size; dx++) {
              const pixel = (top + dy) * width + left + dx;
              const value = input[channelsLast ? pixel * channels + c : c * height * width + pixel]!;
              sum += kernels[((f * channels + c) * size + dy) * size + dx]! * value;
            }
        found.push(Math.max(0, sum));
      }
  return found;
}

/** Logit and probability of a class. */
export function scoreOf(
  network: FixtureNetwork,
  input: ArrayLike<number>,
  target = 0,
): { logit: number; probability: number } {
  const layer = activations(network, input);
  const logits = network.rows.map((row, k) => row.reduce((sum, w, i) => sum + w * layer[i]!, network.bias[k]!));
  const powers = logits.map(logit => Math.exp(logit - Math.max(...logits)));
  return { logit: logits[target]!, probability: powers[target]! / powers.reduce((a, b) => a + b) };
}

/** Grad-CAM at the input's size, as pytorch-grad-cam finishes it: stretched, enlarged, stretched again. */
export function gradCamOf(network: FixtureNetwork, input: ArrayLike<number>, target = 0): Float32Array {
  const { shape, size, offsets } = network;
  const layer = activations(network, input);
  const cells = layer.length / offsets.length;
  const gradient = network.rows[target]!;
  const raw = Array.from({ length: cells }, (_, p) => {
    const sum = offsets.reduce((total, _, f) => {
      const weight = gradient.slice(f * cells, (f + 1) * cells).reduce((a, b) => a + b) / cells;
      return total + weight * layer[f * cells + p]!;
    }, 0);
    return Math.max(0, sum);
  });
  const [h, w] = [Math.floor(shape.height / size), Math.floor(shape.width / size)];
  return Float32Array.from(stretched(enlarged(stretched(raw), { h, w }, shape)));
}

function stretched(values: readonly number[]): number[] {
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  return values.map(value => (value - least) / (1e-7 + range));
}

function enlarged(
  values: readonly number[],
  { h, w }: { readonly h: number; readonly w: number },
  { height, width }: PictureShape,
): number[] {
  const source = (at: number, small: number, large: number) => {
    const place = Math.min(small - 1, Math.max(0, ((at + 0.5) * small) / large - 0.5));
    const low = Math.floor(place);
    return { low, high: Math.min(low + 1, small - 1), share: place - low };
  };
  return Array.from({ length: height * width }, (_, i) => {
    const y = source(Math.floor(i / width), h, height);
    const x = source(i % width, w, width);
    const line = (row: number) => values[row * w + x.low]! * (1 - x.share) + values[row * w + x.high]! * x.share;
    return line(y.low) * (1 - y.share) + line(y.high) * y.share;
  });
}

/** A changed copy as the network gets it. */
export function applied(
  { from, to, order, begin = 0, end = order?.length ?? 0 }: PixelVariant,
  { channels, height, width, channelsLast }: PictureShape,
): Float32Array {
  if (!to || !order) return from;
  const made = from.slice();
  for (const pixel of order.subarray(begin, end))
    for (let c = 0; c < channels; c++) {
      const at = channelsLast ? pixel * channels + c : c * height * width + pixel;
      made[at] = to[at]!;
    }
  return made;
}

export interface FixtureCase {
  readonly network?: FixtureNetwork;
  readonly input?: Float32Array;
  readonly map?: Float32Array;
  readonly target?: number;
  readonly convention?: MetricConvention;
  readonly params?: Readonly<Record<string, MetricParamValue>>;
  readonly preprocess?: { readonly mean: readonly number[]; readonly std: readonly number[] } | null;
  readonly seed?: number;
  /** Place of the image in its call. */
  readonly index?: number;
  readonly probable?: boolean;
  readonly explain?: (again: ExplainAgain) => Promise<Float32Array>;
  /** Counts the changed copies that were run. */
  readonly ran?: PixelVariant[];
  /** In the place of the network. */
  readonly score?: (input: Float32Array) => { logit: number; probability: number };
}

export interface OpenedFixture {
  readonly subject: Subject;
  readonly map: JudgedMap;
  readonly explain: (again: ExplainAgain) => Promise<Float32Array>;
  readonly score: (input: Float32Array) => { logit: number; probability: number };
}

/** An image and one map of it: what several metrics of a call share. */
export function openFixture(given: FixtureCase = {}): OpenedFixture {
  const { network = M2, input = M2_INPUT, map = M2_MAP, target = 0, preprocess = null } = given;
  const score = given.score ?? ((data: Float32Array) => scoreOf(network, data, target));
  const { seed = 0, index = 0, probable = true } = given;
  const subject = new Subject({ input, shape: network.shape, preprocess, scores: score(input), probable, seed, index });
  const again = async (asked: ExplainAgain) => gradCamOf(network, asked.input ?? input, asked.classIndex ?? target);
  return { subject, map: new JudgedMap(map, subject), explain: given.explain ?? again, score };
}

/** What a metric says of a map, its changed copies run one by one in JavaScript. */
export async function measureFixture(
  name: string,
  given: FixtureCase = {},
  opened: OpenedFixture = openFixture(given),
): Promise<MetricValue> {
  const { subject, map, explain, score } = opened;
  const { convention = 'paper' } = given;
  const definition = findMetric(name);
  const params = resolveMetricParams(definition, given.params ?? {}, convention);
  const asked = { subject, map, explain, convention, params };
  const variants = (await definition.variants?.(asked)) ?? [];
  given.ran?.push(...variants);
  const scores = variants.map(variant => score(applied(variant, subject.shape)));
  return definition.measure(asked, {
    probability: Float64Array.from(scores, ({ probability }) => probability),
    logit: Float64Array.from(scores, ({ logit }) => logit),
  });
}
