import { nativeKernels } from './native-kernels.ts';

/** log Σ exp z of a row of logits, in double precision; NaN where one is NaN or the largest is infinite. */
export function logSumExp(logits: Float32Array): number {
  return nativeKernels().logSumExp(logits, logits.length);
}
