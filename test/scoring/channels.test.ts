/** Channels chosen, grouped and compared natively, against plain loops. */
import { describe, expect, it } from 'vitest';
import { blurredImage } from '../../lib/reference/scoring/blur.ts';
import { nativeScoring } from '../../lib/scoring/native-scoring.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { noise } from '../helpers/model-builder.ts';

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const low = Math.floor(position);
  return sorted[low]! + (position - low) * ((sorted[low + 1] ?? sorted[low]!) - sorted[low]!);
}

describe('similar channels', () => {
  const [channels, positions] = [37, 11];
  const data = noise([channels * positions], 3).data;
  data.fill(0, 5 * positions, 7 * positions);
  data.copyWithin(9 * positions, 8 * positions, 9 * positions);
  const cosine = (k: number, j: number) => {
    let [product, kk, jj] = [0, 0, 0];
    for (let i = 0; i < positions; i++) {
      const [a, b] = [data[k * positions + i]!, data[j * positions + i]!];
      product += a * b;
      kk += a * a;
      jj += b * b;
    }
    return kk * jj === 0 ? 0 : product / Math.sqrt(kk * jj);
  };

  it.each([0.2, 0.5, 0.93])('lie above quantile %f', async q => {
    const select = Uint32Array.of(0, 5, 6, 8, 9, 36);
    const { sets, group } = await nativeScoring().similarChannels(data, [channels, positions], q, select, true);
    for (const [i, k] of select.entries()) {
      const row = Array.from({ length: channels }, (_, j) => cosine(k, j));
      const threshold = quantile(row, q);
      for (let j = 0; j < channels; j++)
        if (Math.abs(row[j]! - threshold) > 1e-6)
          expect(sets[group[i]! * channels + j], `${k} and ${j}`).toBe(row[j]! > threshold ? 1 : 0);
    }
    // The two dead channels share a set, and so do the two equal ones.
    expect([group[1], group[3]]).toEqual([group[2], group[4]]);
    expect(sets.length).toBe(4 * channels);
  });
});

describe('clusters', () => {
  it('are found where there are some, the same for the same seed', async () => {
    const centres = [0, 10, 20, 30];
    const data = new Float32Array(40 * 6);
    const jitter = noise([data.length], 2, 0.5).data;
    for (let i = 0; i < data.length; i++) data[i] = centres[Math.floor(i / 6) % 4]! + jitter[i]!;
    const clusters = await nativeScoring().clusterChannels(data, [40, 6], 4, 1);
    for (let k = 0; k < 40; k++) expect(clusters[k]).toBe(clusters[k % 4]);
    expect(new Set(clusters).size).toBe(4);
    expect(await nativeScoring().clusterChannels(data, [40, 6], 4, 1)).toEqual(clusters);
  });
});

describe('percentiles', () => {
  it.each([1, 2, 7, 100])('of %i values are those of numpy, linear between ranks', async count => {
    const data = noise([3 * count], 4).data;
    const clipped = await nativeScoring().clipMaps(data, [3, count], 10, 80);
    const expected = Array.from(data, (value, i) => {
      const own = [...data.subarray(Math.floor(i / count) * count, (Math.floor(i / count) + 1) * count)];
      const divisor = Math.max(quantile(own, 0.8), 1e-12);
      return Math.min(1, Math.max(0, (value - quantile(own, 0.1)) / divisor));
    });
    expectClose(clipped, expected, 1e-5);
  });

  it('keep NaN in sight', async () => {
    const clipped = await nativeScoring().clipMaps(Float32Array.of(1, Number.NaN, 2, 3), [2, 2], 0, 100);
    expect([...clipped].map(Number.isNaN)).toEqual([true, true, false, false]);
  });
});

it.each([
  ['nchw', [1, 3, 9, 13]],
  ['nhwc', [1, 7, 4, 3]],
  ['nchw', [1, 1, 1, 5]],
] as const)('blur, %s %s', async (layout, dims) => {
  const { data } = noise(dims, 6);
  const shape = layout === 'nchw' ? dims.slice(1) : [dims[3]!, dims[1]!, dims[2]!];
  for (const [radius, deviation] of [
    [1, 0.7],
    [4, 2],
    [15, 50],
  ] as const) {
    const native = await nativeScoring().blurImage(data, shape, layout === 'nhwc', radius, deviation);
    expectClose(native, blurredImage({ data, dims, layout }, { radius, deviation }), 1e-5);
  }
});
