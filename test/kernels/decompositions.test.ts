import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { factorize, kernelPca, principalComponent } from '../../lib/kernels/index.ts';
import * as reference from '../../lib/reference/kernels/index.ts';
import { correlation } from '../helpers/correlation.ts';
import { expectClose, features } from './data.ts';
import { describeTiers } from './tiers.ts';

/** Jacobi rotations take their time: the twin's smaller side stays below 64. */
const SHAPES = [
  [1, 1, 1, 1],
  [2, 3, 5, 7],
  [1, 17, 13, 9],
  [3, 33, 1, 1],
  [2, 31, 4, 4],
  [1, 300, 7, 7],
  [1, 40, 31, 35],
] as const;
const KERNELS = ['linear', 'sigmoid', 'rbf', 'poly', 'cosine'] as const;
const CENTRED = { centre: true, sign: 'largest' } as const;
const norm = (values: Float32Array) => Math.hypot(...values);

describeTiers('principalComponent', use => {
  it.each(SHAPES)('is its twin on [%i, %i, %i, %i]', async (...dims) => {
    use();
    const activations = features(dims, 1, true);
    const gradients = features(dims, 2);
    const weights = features(dims.slice(0, 2), 3).data;
    for (const centre of [false, true]) {
      for (const sign of ['none', 'activation', 'largest'] as const) {
        for (const factors of [{}, { gradients }, { weights }]) {
          const options = { centre, sign, ...factors };
          const maps = await principalComponent(activations, options);
          expect(maps.dims).toEqual([dims[0], dims[2], dims[3]]);
          expectClose(maps.data, reference.principalComponent(activations, options).data, 2e-5);
        }
      }
    }
  });

  it('finds the planted direction among 784 positions', async () => {
    use();
    const [n, c, p] = [2, 512, 784];
    const direction = features([c], 4).data;
    const shown = features([p], 5).data;
    const noise = features([n, c, 28, 28], 6);
    for (let i = 0; i < noise.data.length; i++) {
      const k = Math.floor(i / p) % c;
      noise.data[i] = 0.01 * noise.data[i]! + direction[k]! * shown[i % p]!;
    }
    const { data } = await principalComponent(noise, { centre: false, sign: 'largest' });
    const largest = shown.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best));
    const scale = Math.sign(largest) * norm(direction);
    expectClose(
      data.subarray(0, p),
      shown.map(value => value * scale),
      2e-3,
    );
    expectClose(
      data.subarray(p),
      shown.map(value => value * scale),
      2e-3,
    );
  });

  it('of a matrix of rank 0 is zero, of an image with NaN is NaN, and leaves other images alone', async () => {
    use();
    const activations = features([4, 9, 3, 3], 7);
    activations.data.fill(0, 0, 81);
    for (let k = 0; k < 9; k++) activations.data.fill(0.1 * k, 81 + 9 * k, 81 + 9 * (k + 1));
    activations.data[2 * 81 + 40] = Number.NaN;
    const { data } = await principalComponent(activations, { centre: true, sign: 'activation' });
    expectClose(data.subarray(0, 18), new Float32Array(18), 0);
    expect([...data.subarray(18, 27)].every(Number.isNaN)).toBe(true);
    expectClose(data, reference.principalComponent(activations, { centre: true, sign: 'activation' }).data, 2e-5);
    activations.data[2 * 81 + 40] = -Infinity;
    const infinite = await principalComponent(activations, { centre: false, sign: 'none' });
    expect([...infinite.data.subarray(18, 27)].every(Number.isNaN)).toBe(true);
    expect([...infinite.data.subarray(27)].every(Number.isFinite)).toBe(true);
  });

  it('with equal singular values takes one direction of their space, always the same', async () => {
    use();
    // The identity: every direction is a principal one.
    const size = 16;
    const data = Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
    const activations = { data, dims: [1, size, 4, 4] };
    const first = await principalComponent(activations, { centre: false, sign: 'none' });
    expect(norm(first.data)).toBeCloseTo(1, 5);
    const second = await principalComponent(activations, { centre: false, sign: 'none' });
    expect(second.data).toEqual(first.data);
  });

  it('of one channel is the channel itself', async () => {
    use();
    const activations = features([1, 1, 5, 9], 8);
    const { data } = await principalComponent(activations, { centre: false, sign: 'activation' });
    const sum = activations.data.reduce((total, value) => total + value * Math.abs(value), 0);
    expectClose(
      data,
      activations.data.map(value => (sum < 0 ? -value : value)),
      1e-6,
    );
  });
});

/** A layer of 224 × 224 positions, whose kernel matrix would take 20 GB. */
const large = () => features([1, 24, 224, 224], 12, true);

describe('kernelPca of more positions than a matrix can hold', () => {
  it('finds the planted component', async () => {
    const activations = large();
    const shown = features([224, 224], 13).data;
    const direction = features([24], 14).data;
    for (let k = 0; k < 24; k++)
      for (let i = 0; i < shown.length; i++) {
        const at = k * shown.length + i;
        activations.data[at] = 0.01 * activations.data[at]! + direction[k]! * shown[i]!;
      }
    for (const kernel of ['sigmoid', 'linear'] as const) {
      const { data, dims } = await kernelPca(activations, { kernel });
      expect(dims).toEqual([1, 224, 224]);
      expect(Math.abs(correlation(data, shown))).toBeGreaterThan(0.95);
    }
  }, 60_000);
});

describe('an abort', () => {
  const slow: [string, (signal: AbortSignal) => Promise<unknown>][] = [
    ['kernelPca', signal => kernelPca(large(), { kernel: 'sigmoid', signal })],
    ['principalComponent', signal => principalComponent(features([1, 1500, 40, 40], 1), { ...CENTRED, signal })],
    ['factorize', signal => factorize(large(), { components: 20, shift: true, seed: 1, signal })],
  ];
  it.each(slow)('ends %s', async (_, start) => {
    const controller = new AbortController();
    const running = start(controller.signal);
    await setTimeout(60);
    const aborted = performance.now();
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    // The whole takes many times as long; other programs may have most of the machine.
    expect(performance.now() - aborted).toBeLessThan(1500);
  });
});

describeTiers('kernelPca', use => {
  it.each(SHAPES.filter(([, , h, w]) => h * w < 130))('is its twin on [%i, %i, %i, %i]', async (...dims) => {
    use();
    const activations = features(dims, 9, true);
    for (const kernel of KERNELS) {
      const maps = await kernelPca(activations, { kernel });
      expectClose(maps.data, reference.kernelPca(activations, { kernel }).data, 1e-4);
    }
    const gamma = 0.02;
    const { data } = await kernelPca(activations, { kernel: 'rbf', gamma });
    expectClose(data, reference.kernelPca(activations, { kernel: 'rbf', gamma }).data, 1e-4);
  });

  it('with the linear kernel is the centred principal component, also for 784 positions', async () => {
    use();
    const activations = features([1, 64, 28, 28], 10, true);
    // A strong first component, so that it is well apart from the second.
    activations.data.forEach((value, i) => {
      activations.data[i] = value + 3 * Math.sin((i % 784) / 50) * (1 + (Math.floor(i / 784) % 3));
    });
    const linear = await kernelPca(activations, { kernel: 'linear' });
    const principal = await principalComponent(activations, { centre: true, sign: 'largest' });
    expectClose(linear.data, principal.data, 1e-5);
  });

  it('is zero without variation and NaN where something is not finite', async () => {
    use();
    for (const kernel of KERNELS) {
      const activations = { data: new Float32Array(2 * 3 * 4).fill(0.7), dims: [2, 3, 2, 2] };
      activations.data[23] = Number.NaN;
      const { data } = await kernelPca(activations, { kernel });
      expectClose(data.subarray(0, 4), [0, 0, 0, 0], 0);
      expect([...data.subarray(4)].every(Number.isNaN)).toBe(true);
    }
  });
});
