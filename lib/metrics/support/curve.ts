import type { PixelVariant } from '../../scoring/pixel-variants.ts';
import type { Baseline } from '../baseline.ts';
import type { MetricCase, MetricChoice, MetricParam, MetricValue } from '../definition.ts';
import { tiedShare } from './ties.ts';

/** How many pixels a curve's steps switch. */
export const STEPS: Readonly<Record<'step' | 'steps', MetricParam>> = {
  step: {
    type: 'integer',
    min: 1,
    description: 'pixels for each step; default eight rows of the input, or as `steps` says',
  },
  steps: {
    type: 'integer',
    min: 1,
    defaults: { torchcam: 20, openvino: 30 },
    description: 'number of steps where `step` is left out; fewer where whole pixels for each step make fewer',
  },
};

/** Of curves that OpenVINO has not. */
export const LERF_STEPS: typeof STEPS = { ...STEPS, steps: { ...STEPS.steps, defaults: { torchcam: 20 } } };

/** Pixels switched at each point of a curve, from 0 to all. The last step may be shorter. */
export function countsOf(pixels: number, width: number, { params, convention }: MetricChoice): number[] {
  const { step, steps } = params as { readonly step?: number; readonly steps?: number };
  if (convention === 'openvino' && step === undefined && steps !== undefined) {
    const n = Math.min(steps, pixels);
    return Array.from({ length: n + 1 }, (_, i) => Math.floor((i * pixels) / n));
  }
  const each = step ?? (steps === undefined ? 8 * width : Math.ceil(pixels / steps));
  const n = Math.ceil(pixels / each);
  return Array.from({ length: n + 1 }, (_, i) => Math.min(i * each, pixels));
}

/** Which pixels of a map are removed first, or kept first. */
export type Switching = 'remove-most' | 'remove-least' | 'insert-most';

/**
 * Inputs of a curve, in the order of `counts`. All kinds are x with a stretch of the order taken from b, so that metrics whose
 * inputs are the same ask for the same.
 */
export async function curveVariants(
  { subject, map }: MetricCase,
  counts: readonly number[],
  { kind, baseline }: { readonly kind: Switching; readonly baseline: Baseline },
): Promise<PixelVariant[]> {
  const [order, to] = await Promise.all([map.order(), subject.baseline(baseline)]);
  const { input: from, pixels } = subject;
  return counts.map(count => {
    const removed = kind === 'insert-most' ? pixels - count : count;
    if (removed === 0) return { from };
    if (removed === pixels) return { from: to };
    return kind === 'remove-most'
      ? { from, to, order, begin: 0, end: removed }
      : { from, to, order, begin: pixels - removed, end: pixels };
  });
}

export interface Curve {
  /** Shares of the pixels, from 0 to 1. */
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export function curveOf(counts: readonly number[], pixels: number, scores: ArrayLike<number>): Curve {
  return { x: counts.map(count => count / pixels), y: Array.from(scores) };
}

/** Trapezoids over the true shares; under OpenVINO's convention all steps count as equally wide, and the sign is lost. */
export function areaOf({ x, y }: Curve, { convention }: MetricChoice): number {
  const n = x.length - 1;
  let area = 0;
  for (let i = 0; i < n; i++) {
    const width = convention === 'openvino' ? 1 / n : x[i + 1]! - x[i]!;
    area += (width * (y[i]! + y[i + 1]!)) / 2;
  }
  return convention === 'openvino' ? Math.abs(area) : area;
}

/** A curve's area as a metric's answer. */
export async function areaUnder(
  asked: MetricCase,
  counts: readonly number[],
  scores: ArrayLike<number>,
): Promise<MetricValue> {
  const curve = curveOf(counts, asked.subject.pixels, scores);
  return { value: areaOf(curve, asked), curve, details: { ties: await tiedShare(asked.map) } };
}
