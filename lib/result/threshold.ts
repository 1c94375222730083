import { invalid, isRecord } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import { inSlices } from '../common/slices.ts';
import { otsu, toBytes } from './otsu.ts';
import { quantileOf } from './quantile.ts';

/** Where a map is cut in two: at a value, at a part of its maximum, at a quantile, by Otsu, or k deviations above its mean. */
export type Threshold =
  /** In the map's units, which are 0..1. */
  | { readonly value: number }
  /** A share of the map's largest value, 0..1. */
  | { readonly ofMax: number }
  /** A share of the pixels, 0..1. */
  | { readonly quantile: number }
  /** Deviations above the mean. */
  | { readonly meanStd: number }
  /** Between the two groups of values that lie apart most. */
  | 'otsu';

const FORMS = "{ value }, { ofMax }, { quantile }, { meanStd } or 'otsu'";

/** @throws `ERR_OPTION_INVALID` */
export function checkThreshold(name: string, given: unknown): Threshold {
  if (given === 'otsu') return given;
  const wrong = () => invalid(`${name} must be one of ${FORMS}, with a number each, not ${shown(given)}`);
  if (!isRecord(given)) throw wrong();
  const [entry, ...others] = Object.entries(given);
  if (!entry || others.length > 0) throw wrong();
  const [form, number] = entry;
  if (!['value', 'ofMax', 'quantile', 'meanStd'].includes(form)) throw wrong();
  if (typeof number !== 'number' || !Number.isFinite(number)) throw wrong();
  if ((form === 'ofMax' || form === 'quantile') && (number < 0 || number > 1))
    throw invalid(`${name}: ${form} is a number from 0 to 1, not ${number}`);
  return given as Threshold;
}

/** As the command line writes it: `0.3`, `max:0.15`, `q:0.9`, `sd:1`, `otsu`. undefined where it is nothing of these. */
export function parseThreshold(text: string): Threshold | undefined {
  if (text === 'otsu') return text;
  const [, form, digits] = /^(?:(max|q|sd):)?(.+)$/.exec(text.trim()) ?? [];
  const number = Number(digits);
  if (digits === undefined || digits.trim() === '' || !Number.isFinite(number)) return undefined;
  if (form === 'max') return { ofMax: number };
  if (form === 'q') return { quantile: number };
  return form === 'sd' ? { meanStd: number } : { value: number };
}

/**
 * 1 for the pixels above the threshold, or from it on, else 0. Compared in float32; Otsu's histogram has 256 bins over [0, 1], and
 * what lies above its bin is inside. Of a map of zeros nothing is.
 * @param border whether values equal to the threshold are inside
 */
export async function insideOf(
  data: Float32Array,
  threshold: Threshold,
  border: 'above' | 'from',
): Promise<Uint8Array> {
  const inside = new Uint8Array(data.length);
  const { least, most } = await rangeOf(data);
  if (least === 0 && most === 0) return inside;
  if (threshold === 'otsu') {
    const bytes = new Uint8Array(data.length);
    await inSlices(data.length, (begin, end) => bytes.set(toBytes(data.subarray(begin, end)), begin));
    const t = otsu(bytes);
    await inSlices(data.length, (begin, end) => {
      for (let i = begin; i < end; i++) inside[i] = bytes[i]! > t ? 1 : 0;
    });
    return inside;
  }
  const cut = await cutOf(data, threshold, most);
  await inSlices(data.length, (begin, end) => {
    if (border === 'above') for (let i = begin; i < end; i++) inside[i] = data[i]! > cut ? 1 : 0;
    else for (let i = begin; i < end; i++) inside[i] = data[i]! >= cut ? 1 : 0;
  });
  return inside;
}

/** The smallest and the largest value. */
export async function rangeOf(data: Float32Array): Promise<{ least: number; most: number }> {
  let least = Infinity;
  let most = -Infinity;
  await inSlices(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) {
      const value = data[i]!;
      if (value < least) least = value;
      if (value > most) most = value;
    }
  });
  return { least, most };
}

async function cutOf(data: Float32Array, threshold: Exclude<Threshold, 'otsu'>, most: number): Promise<number> {
  if ('quantile' in threshold) return quantileOf(data, threshold.quantile);
  if ('value' in threshold) return Math.fround(threshold.value);
  if ('ofMax' in threshold) return Math.fround(threshold.ofMax * most);
  let sum = 0;
  await inSlices(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) sum += data[i]!;
  });
  const mean = sum / data.length;
  let squares = 0;
  await inSlices(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) squares += (data[i]! - mean) ** 2;
  });
  return Math.fround(mean + threshold.meanStd * Math.sqrt(squares / data.length));
}
