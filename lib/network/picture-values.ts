import type { Depth } from '../image/depth.ts';
import { type PreparedImage, scaleFor } from '../image/preprocess.ts';
import type { ResolvedPreprocess } from '../image/preprocess-options.ts';
import type { ImageInput } from '../model/find/input.ts';
import { INTEGER_RANGES } from '../model/rewrite/picture-input.ts';

/** What an input of whole numbers gets of these values: the nearest ones that its type holds. */
export function wholeFor({ stored }: Pick<ImageInput, 'stored'>, values: Float32Array): Float32Array {
  if (!stored.includes('int')) return values;
  const [low, high] = INTEGER_RANGES[stored] ?? [-Infinity, Infinity];
  const fits = (value: number) => Number.isInteger(value) && value >= low && value <= high;
  if (values.every(fits)) return values;
  return values.map(value => Math.min(high, Math.max(low, Math.floor(value + 0.5))));
}

/** Fewer steps than these are no picture. */
const LEAST_STEPS = 32;

/** Where an input of whole numbers cannot hold a picture's values as they were prepared. */
export function lossWarnings({ stored, name }: ImageInput, wanted: Float32Array, held: Float32Array): string[] {
  if (wanted === held) return [];
  const lost = wanted.reduce((n, value, i) => n + Number(Math.abs(value - held[i]!) > 1), 0);
  const advice = `the input "${name}" holds whole numbers (${stored}); preprocess.mean, std and scale say which values go in`;
  if (lost > 0)
    return [`${percentOf(lost / wanted.length)} of the picture's values do not fit and were cut off: ${advice}`];
  const [low, high] = extremes(wanted);
  if (high - low >= LEAST_STEPS || high === low) return [];
  return [`the picture's values, from ${round(low)} to ${round(high)}, lost nearly everything in rounding: ${advice}`];
}

const percentOf = (share: number): string => `${Math.max(0.1, Number((100 * share).toFixed(1)))} %`;

/** Where what is known of the values and what they are scaled by do not fit together. */
export function depthWarnings(
  { tensor }: PreparedImage,
  resolved: ResolvedPreprocess,
  depth: Depth,
  { stored }: ImageInput,
): string[] {
  const { mean, std, range } = resolved;
  const broken = tensor.data.reduce((n, value) => n + Number(!Number.isFinite(value)), 0);
  if (broken > 0)
    return [
      `${percentOf(broken / tensor.data.length)} of the picture's values are NaN or infinite, once it has the input's size: replace them`,
    ];
  if (range) return [];
  const scale = scaleFor(resolved, depth);
  const [low, high] = extremes(tensor.data);
  // Of all channels alike, which is near enough to tell ranges apart; float32 leaves traces of what was subtracted.
  const value = (x: number) => (x * std[0]! + mean[0]!) / scale;
  const span = value(high) - value(low);
  const shown = [low, high].map(x => (Math.abs(value(x)) < span / 1000 ? 0 : round(value(x)))).join(' to ');
  const picture = `the ${depth.kind} picture's values go from ${shown}`;
  if (depth.kind === 'float')
    return value(low) < -1 || value(high) > 2
      ? [`${picture} and were taken as they are; preprocess.range (--range LOW,HIGH) says which become 0 and 1`]
      : [];
  if (resolved.scaleGiven && resolved.preset === null && scale === 1 / 255 && depth.largest > 255)
    return [`${picture} and were scaled by 1/255, which is meant for 8 bits; leave scale out or give preprocess.range`];
  // Nothing was said, and so nothing scaled.
  if (resolved.scaleGiven && resolved.preset === 'raw' && stored !== 'uint16')
    return [
      `${picture} and go in as they are, since the input holds ${stored}; where the network expects 0..255, preset 'raw' is right`,
    ];
  return !resolved.scaleGiven && value(high) <= depth.largest / 8
    ? [
        `${picture}, of ${depth.largest} that the type holds, and so look dark to the model; preprocess.range (--range LOW,HIGH) says which become 0 and 1`,
      ]
    : [];
}

function extremes(values: Float32Array): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

const round = (value: number): number => Number(value.toPrecision(4));
