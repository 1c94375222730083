import type { MapRange } from '../kernels/map-values.ts';

/** What is wrong with a map, if anything; judged on the raw map after its ReLU, before it is stretched to [0, 1]. */
export type MapStatus = 'ok' | 'zero' | 'constant' | 'not-finite';

export const MAP_STATUSES: readonly MapStatus[] = ['ok', 'zero', 'constant', 'not-finite'];

export interface Verdict {
  readonly status: MapStatus;
  /** Why, and what to try; null when the map is sound. */
  readonly reason: string | null;
}

/**
 * Differences below this part of the values are rounding of the float32 sums behind them: stretched to [0, 1] they would
 * look like a finding.
 */
const ROUNDING = 1e-6;

export interface Judged {
  /** Whether the outermost ReLU is applied. */
  readonly relu: boolean;
  /** Whether the map is about a target or about the layer alone. */
  readonly ofTarget: boolean;
  /** Of a target's map of zeros: what its tensors say of it. */
  readonly whyZero?: () => string | undefined;
}

/**
 * Judges one map. `raw` is the range of the values before the outermost ReLU (several layers: each layer's).
 */
export function judge(raw: readonly MapRange[], { relu, ofTarget, whyZero }: Judged): Verdict {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let flat = true;
  for (const layer of raw) {
    if (!layer.finite)
      return {
        status: 'not-finite',
        reason:
          'the map holds NaN or infinite values: look for NaN weights, overflow in half precision, or an input outside the range that the model was trained on',
      };
    const floor = relu ? Math.max(layer.min, 0) : layer.min;
    const ceiling = relu ? Math.max(layer.max, 0) : layer.max;
    if (ceiling - floor > ROUNDING * Math.max(Math.abs(floor), Math.abs(ceiling))) flat = false;
    min = Math.min(min, layer.min);
    max = Math.max(max, layer.max);
  }
  if (!flat) return { status: 'ok', reason: null };
  if (min === 0 && max === 0) {
    const why = ofTarget ? whyZero?.() : undefined;
    if (why !== undefined) return { status: 'zero', reason: `every value is zero: ${why}` };
    return {
      status: 'zero',
      reason: ofTarget
        ? 'every value is zero: the target does not depend on this layer, its score is saturated, or nothing positive is left (try the logit instead of the probability, another layer or method)'
        : 'every value is zero: with this input the layer is zero everywhere, or holds nothing that this method looks for (try another layer)',
    };
  }
  if (relu && max <= 0)
    return {
      status: 'zero',
      reason: ofTarget
        ? 'every value is negative and the ReLU leaves nothing: summed up as this method does, no place speaks for this target (try negative(target), params: { relu: false }, or another method)'
        : 'every value is negative and the ReLU leaves nothing (try params: { relu: false }, or another layer)',
    };
  return { status: 'constant', reason: `every value equals ${max}: no place stands out (try another layer)` };
}
