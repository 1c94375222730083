/** Where and how the conventions stretch a raw map, on a model whose maps are smaller than its input. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explainer, type Explanation, load } from '../../lib/index.ts';
import { normalize, resize } from '../../lib/kernels/index.ts';
import type { Maps } from '../../lib/kernels/types.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { flat, noiseImage, one, plainModel } from '../helpers/explain-models.ts';

const image = noiseImage([1, 3, 16, 16], 5);
const full = { width: 16, height: 16, interpolation: 'bilinear' } as const;

let cam: Explainer;
beforeAll(async () => {
  cam = await load(plainModel());
});
afterAll(() => cam.dispose());

const rawMaps = ({ raw }: Explanation): Maps => ({ data: raw.data, dims: [1, raw.height, raw.width] });
const explain = async (method: string, options: object = {}) => one(await cam.explain(image, { method, ...options }));

describe('paper', () => {
  it.each(['grad-cam', 'hirescam', 'grad-cam++'])('%s is stretched at the resolution of the layer', async method => {
    const result = await explain(method);
    const stretched = await normalize(rawMaps(result), { kind: 'range', relu: true });
    expectClose(result.map.data, (await resize(stretched, full)).data, 1e-6);
  });

  // docs/methods.md#conventions: the sources of these resize first.
  it.each(['xgrad-cam', 'layer-cam', 'lift-cam'])('%s is stretched at the resolution of the input', async method => {
    const result = await explain(method);
    const maps = rawMaps(result);
    const positive = { ...maps, data: maps.data.map(value => Math.max(value, 0)) };
    expectClose(result.map.data, (await normalize(await resize(positive, full), { kind: 'range' })).data, 1e-6);
    expect(Math.max(...result.map.data)).toBeCloseTo(1, 6);
  });

  it('LayerCAM joins the deepest layer as it is with tanh(2M) of the others', async () => {
    const layer = ['r1', 'r2'];
    const parts = await Promise.all(layer.map(name => explain('layer-cam', { layer: name })));
    const both = await explain('layer-cam', { layer });
    const expected = parts[1]!.map.data.map((deep, i) => Math.max(deep, Math.tanh(2 * parts[0]!.map.data[i]!)));
    expectClose(both.map.data, expected, 1e-6);
  });
});

describe('pytorch-grad-cam', () => {
  it('Random-CAM is stretched as that tool does it', async () => {
    const result = await explain('random-cam', { convention: 'pytorch-grad-cam', seed: 3 });
    expect(result).toMatchObject({ convention: 'pytorch-grad-cam', warnings: [] });
    const once = await resize(await normalize(rawMaps(result), { kind: 'pgc', relu: true }), full);
    expectClose(result.map.data, (await normalize(once, { kind: 'pgc' })).data, 1e-6);
  });
});

// A picture alone takes a shorter way to its map than those of a batch.
describe.each(['paper', 'pytorch-grad-cam', 'torchcam'] as const)(
  '%s gives the same alone and in a batch',
  convention => {
    const methods = ['cam', 'grad-cam', 'grad-cam++', 'hirescam', 'grad-cam-elementwise', 'xgrad-cam', 'layer-cam'];
    const known = methods.filter(method => convention !== 'pytorch-grad-cam' || method !== 'cam');
    const photo = (seed: number) => ({
      data: Uint8Array.from({ length: 40 * 28 * 3 }, (_, i) => (i * (seed + 31)) % 251),
      info: { width: 40, height: 28, channels: 3 },
    });

    it.each(known)('%s', async method => {
      for (const layer of method === 'cam' ? ['r2'] : ['r1', 'r2'])
        for (const relu of [true, false]) {
          const options = { method, layer, convention, params: { relu } };
          const pair = [photo(1), photo(2)];
          const together = flat(await cam.explain(pair, options));
          const apart = await Promise.all(pair.map(async picture => one(await cam.explain(picture, options))));
          for (const [i, alone] of apart.entries()) {
            expect(alone).toMatchObject({ status: together[i]!.status, reason: together[i]!.reason });
            expectClose(alone.raw.data, together[i]!.raw.data, 1e-6);
            expectClose(alone.map.data, together[i]!.map.data, 1e-5);
          }
        }
    });
  },
);
