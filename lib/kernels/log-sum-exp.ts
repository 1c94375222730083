import { native } from './native.ts';

/** log Σ exp z of a row of logits, in double precision; NaN where one is NaN or the largest is infinite. */
export function logSumExp(logits: Float32Array): number {
  return native().logSumExp(logits, logits.length);
}
