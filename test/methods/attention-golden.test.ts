/** Attention methods and token layouts against PyTorch (test/golden/make_attention.py), from both exporters. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explainer } from '../../lib/explainer.ts';
import { load } from '../../lib/load.ts';
import type { Convention } from '../../lib/methods/definition.ts';
import { topK } from '../../lib/targets/index.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { flat, one } from '../helpers/explain-models.ts';
import { uniform } from '../helpers/seeded-weights.ts';

const folder = new URL('../golden/attention/', import.meta.url);

interface Network {
  name: string;
  seed: number;
  dims: [number, number, number, number];
  grid: [number, number];
  prefix: number;
  target: number;
  logits: number[];
  cases: { method: string; params: Record<string, string | number | boolean>; convention: Convention; raw: number[] }[];
}

const networks = JSON.parse(readFileSync(new URL('values.json', folder), 'utf8')) as Network[];
const exports = networks.flatMap(network => ['legacy', 'dynamo'].map(exporter => ({ ...network, exporter })));

describe.each(exports)('$name $exporter', ({ name, exporter, seed, dims, grid, target, logits, cases }) => {
  let cam: Explainer;
  beforeAll(async () => {
    cam = await load(gunzipSync(readFileSync(new URL(`${name}-${exporter}.onnx.gz`, folder))));
  });
  afterAll(() => cam.dispose());
  const [, , height, width] = dims;
  const image = { type: 'float32', data: uniform(seed, 3 * height * width, 2), dims } as const;

  it('has the logits', async () => {
    const scores = await cam.predict(image);
    for (const { index, score } of scores) expect(score).toBeCloseTo(logits[index]!, 3);
  });

  it.each(cases.map(one => [`${one.method} ${JSON.stringify(one.params)}`, one] as const))('%s', async (_, golden) => {
    const { method, params, convention, raw } = golden;
    const result = one(await cam.explain(image, { method, params, convention, target }));
    expect(result.raw.dims).toEqual(grid);
    expect(result.warnings).toEqual([]);
    const scale = Math.max(...raw.map(Math.abs));
    expectClose(result.raw.data, raw, 2e-4 * scale);
  });

  it('LeGrad of a rank is that of its class, alone and among others', async () => {
    const [first, second] = flat(await cam.explain(image, { method: 'legrad', target: topK(2) }));
    for (const result of [first!, second!]) {
      const alone = one(await cam.explain(image, { method: 'legrad', target: result.target.index }));
      expectClose(result.raw.data, alone.raw.data, 1e-6);
    }
    const [together] = flat(await cam.explain(image, { methods: ['legrad', 'generic-attention'], target: 'top1' }));
    expectClose(together!.raw.data, first!.raw.data, 1e-6);
  });
});
