import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { pearson } from '../../lib/common/pearson.ts';
import { SLICE } from '../../lib/common/slices.ts';
import { correlation } from '../../lib/correlation.ts';
import { expectError } from '../helpers/expect-error.ts';
import { noiseImage, one, plainModel } from '../helpers/explain-models.ts';
import { explainerOpener } from '../helpers/open-explainers.ts';

interface Side {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}
interface Case extends Record<'pearson' | 'spearman', number> {
  readonly name: string;
  readonly a: Side;
  readonly b: Side;
}

const cases: Case[] = JSON.parse(readFileSync(new URL('../golden/correlation.json', import.meta.url), 'utf8'));
const mapOf = ({ dims, data }: Side) => ({
  ...{ data: Float32Array.from(data), width: dims.at(-1)!, height: dims.at(-2)! },
  ...(dims.length === 3 && { dims: dims as readonly [number, number, number] }),
});
const map = (...data: number[]) => ({ data: Float32Array.from(data), width: data.length, height: 1 });
const open = explainerOpener();

describe('correlation', () => {
  it.each(cases.map(one => [one.name, one] as const))(
    'is as SciPy has it: %s',
    async (name, { a, b, pearson, spearman }) => {
      expect(await correlation(mapOf(a), mapOf(b))).toBeCloseTo(pearson, 6);
      expect(await correlation(mapOf(b), mapOf(a), { kind: 'pearson' })).toBeCloseTo(pearson, 6);
      // What borders repeat is the same to the last bit in a picture, in a volume nearly.
      const digits = name === 'volumes of two sizes' ? 3 : 6;
      expect(await correlation(mapOf(a), mapOf(b), { kind: 'spearman' })).toBeCloseTo(spearman, digits);
    },
  );

  it('has no value of maps that are the same everywhere, or not finite', async () => {
    for (const kind of ['pearson', 'spearman'] as const)
      for (const flat of [
        map(0, 0, 0),
        map(0.1, 0.1, 0.1),
        map(0, Number.NaN, 1),
        map(0, 1, Number.POSITIVE_INFINITY),
      ]) {
        expect(await correlation(flat, map(1, 2, 3), { kind })).toBeNull();
        expect(await correlation(map(1, 2, 3), flat, { kind })).toBeNull();
      }
    expect(await correlation(map(1), map(2))).toBeNull();
  });

  it('takes explanations', async () => {
    const cam = await open(plainModel());
    const image = noiseImage([1, 3, 16, 16]);
    const methods = ['grad-cam', 'hirescam'];
    const [a, b] = (await cam.explain(image, { methods, params: { relu: false } })) as [never, never];
    const found = (await correlation(a, b))!;
    const [own, other] = [one(a).map.data, one(b).map.data];
    expect(found).toBe(pearson(own, other));
    expect(await correlation(a, one(a).map)).toBeCloseTo(1, 12);
    expect(await correlation(one(a).raw, one(b).raw)).toBe(pearson(one(a).raw.data, one(b).raw.data));
    const layer = one(await cam.explain(image, { mapSize: 'layer', params: { relu: false } }));
    expect(await correlation(layer, a)).toBeCloseTo(1, 6);
  });

  it('refuses what is no map, and a map with a volume', async () => {
    const good = map(1, 2, 3);
    for (const bad of [
      undefined,
      null,
      5,
      [1, 2],
      {},
      { ...good, width: 2 },
      { ...good, data: [1, 2, 3] },
      { ...good, dims: [3] },
    ])
      await expectError(() => correlation(good, bad as never), 'ERR_OPTION_INVALID', 'correlation takes two maps');
    await expectError(() => correlation(good, good, { kind: 'kendall' as never }), 'ERR_OPTION_INVALID', 'kendall');
    await expectError(() => correlation(good, good, { king: 1 } as never), 'ERR_OPTION_INVALID', "'king'");
    const volume = { data: Float32Array.of(1, 2, 3), width: 3, height: 1, dims: [1, 1, 3] as const };
    await expectError(() => correlation(good, volume), 'ERR_INPUT_SHAPE', 'volume');
  });

  it('lets the event loop have its turns over large maps', async () => {
    const count = 8 * SLICE;
    const data = Float32Array.from({ length: count }, (_, i) => (i * 7919) % 1000);
    const other = Float32Array.from({ length: count }, (_, i) => (i * 104_729) % 997);
    for (const kind of ['pearson', 'spearman'] as const) {
      let turns = 0;
      const timer = setInterval(() => turns++, 0);
      const start = performance.now();
      await correlation({ data, width: count, height: 1 }, { data: other, width: count, height: 1 }, { kind });
      clearInterval(timer);
      // At least once in 20 ms.
      expect(turns).toBeGreaterThan(Math.floor((performance.now() - start) / 20) / 2);
    }
  });
});
