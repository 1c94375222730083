import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { kernelThreads, kernelTier, kernelTiers, setKernelThreads, setKernelTier } from '../../lib/kernels/index.ts';

const linuxX64 = process.platform === 'linux' && process.arch === 'x64';

/** What the kernel's own view of the processor calls for. */
function expectedTiers(): string[] {
  if (process.arch === 'arm64') return ['neon'];
  if (!linuxX64) return kernelTiers();
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))![1]!.trim().split(' '));
  const has = (...names: string[]) => names.every(name => flags.has(name));
  const avx2 = has('avx', 'avx2', 'fma', 'bmi2', 'f16c');
  const avx512 = avx2 && has('avx512f', 'avx512bw', 'avx512dq', 'avx512vl');
  return ['baseline', ...(avx2 ? ['avx2'] : []), ...(avx512 ? ['avx512'] : [])];
}

describe('kernel tiers', () => {
  const detected = kernelTier();
  afterAll(() => setKernelTier(detected));

  it('are those of the processor, and the best one is chosen', () => {
    expect(kernelTiers()).toEqual(expectedTiers());
    expect(detected).toBe(kernelTiers().at(-1));
  });

  it('can be set, but not to one that the machine lacks', () => {
    for (const tier of kernelTiers()) {
      setKernelTier(tier);
      expect(kernelTier()).toBe(tier);
    }
    const lacking = process.arch === 'arm64' ? 'avx2' : 'neon';
    expect(() => setKernelTier(lacking)).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
    expect(kernelTier()).toBe(kernelTiers().at(-1));
  });
});

describe('kernel threads', () => {
  const initial = kernelThreads();
  afterAll(() => setKernelThreads(initial));

  it("are the machine's, at most 8, unless set", () => {
    expect(initial).toBeGreaterThanOrEqual(1);
    expect(initial).toBeLessThanOrEqual(Math.min(8, Math.max(1, availableParallelism())));
    setKernelThreads(1);
    expect(kernelThreads()).toBe(1);
    for (const count of [0, -1, 1.5, Number.NaN]) {
      expect(() => setKernelThreads(count)).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
    }
  });
});
