import { OnnxCamError } from '../common/errors.ts';
import { nativeKernels } from './native-kernels.ts';
import { wholeNumber } from './options.ts';

/** Instruction sets: SSE2 (`baseline`), AVX2 + FMA, AVX-512; on AArch64 `neon` alone. */
export type KernelTier = 'baseline' | 'avx2' | 'avx512' | 'neon';

/**
 * The instruction set that the kernels use: the best that this machine has, unless set otherwise.
 * @throws `ERR_ADDON`
 */
export function kernelTier(): KernelTier {
  return nativeKernels().kernelTier() as KernelTier;
}

/**
 * Every instruction set that this machine can run, slowest first.
 * @throws `ERR_ADDON`
 */
export function kernelTiers(): KernelTier[] {
  return nativeKernels().kernelTiers() as KernelTier[];
}

/**
 * Makes the kernels of the whole process use another instruction set, for tests and benchmarks.
 * @throws `ERR_OPTION_INVALID` when this machine lacks it.
 */
export function setKernelTier(tier: KernelTier): void {
  const known = kernelTiers();
  if (!known.includes(tier)) {
    throw new OnnxCamError('ERR_OPTION_INVALID', `this machine has no tier '${tier}'; it has ${known.join(', ')}`);
  }
  nativeKernels().setKernelTier(tier);
}

/**
 * Threads that one kernel may use, for the whole process: the machine's, at most 8, unless set otherwise.
 * @throws `ERR_ADDON`
 */
export function kernelThreads(): number {
  return nativeKernels().kernelThreads();
}

/**
 * Sets how many threads one kernel may use, for the whole process.
 * @throws `ERR_OPTION_INVALID` unless `count` is a whole number above 0.
 */
export function setKernelThreads(count: number): void {
  nativeKernels().setKernelThreads(wholeNumber(count, 'count'));
}
