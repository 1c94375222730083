import { afterAll, describe } from 'vitest';
import { type KernelTier, kernelTier, kernelTiers, setKernelTier } from '../../lib/kernels/index.ts';

/** Declares the same tests for every instruction set of this machine. */
export function describeTiers(name: string, declare: (use: () => void, tier: KernelTier) => void): void {
  const detected = kernelTier();
  describe.each(kernelTiers())(`${name} (%s)`, tier => {
    // Tests of a file run one behind the other, so each sets its tier first.
    declare(() => setKernelTier(tier), tier);
    afterAll(() => setKernelTier(detected));
  });
}
