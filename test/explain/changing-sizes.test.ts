import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { type Explainer, type ExplainOptions, type Explanation, load } from '../../lib/index.ts';
import { freeSize } from '../helpers/free-size.ts';
import { loadGoldenGraph } from '../helpers/golden-graphs.ts';

/** [width, height]; the last one has another remainder by the network's strides. */
const SIZES = [
  [96, 96],
  [128, 96],
  [96, 128],
  [160, 192],
  [127, 95],
] as const;

const noise = (width: number, height: number) => {
  const data = Float32Array.from({ length: 3 * width * height }, (_, i) => Math.sin(i * 0.37) + Math.sin(i * 0.011));
  return { type: 'float32', data, dims: [1, 3, height, width] } as const;
};

describe('pictures of changing sizes', () => {
  const bytes = freeSize(loadGoldenGraph('mobilenet_v2-dynamo-20').model);
  let cam: Explainer;
  beforeAll(async () => void (cam = await load(bytes)));
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => cam.dispose());

  const asked: [string, ExplainOptions][] = [
    ['grad-cam', { method: 'grad-cam' }],
    ['several layers', { method: 'layer-cam', layer: 'stages' }],
    ['the input gradient', { method: 'guided-backprop' }],
    ['masks over the picture', { method: 'rise', params: { n: 12 } }],
    ['a tail', { method: 'recipro-cam' }],
    ['an optimised mask', { method: 'opti-cam', params: { n: 1 } }],
  ];
  it.each(asked)('%s: as in an explainer of its own for every size', async (_, options) => {
    for (const [width, height] of [...SIZES, ...SIZES]) {
      const image = noise(width, height);
      const result = (await cam.explain(image, options)) as Explanation;
      const own = await load(bytes, { preprocess: { size: [width, height] } });
      const expected = (await own.explain(image, options)) as Explanation;
      await own.dispose();
      expect(result.target.index).toBe(expected.target.index);
      expect(result.target.score).toBeCloseTo(expected.target.score, 4);
      const off = result.map.data.map((value, i) => Math.abs(value - expected.map.data[i]!));
      expect(Math.max(...off)).toBeLessThan(1e-4);
    }
  });

  it('makes no session for a size whose graph differs in constants alone', async () => {
    const fresh = await load(bytes);
    for (const [width, height] of SIZES.slice(0, 3)) await fresh.explain(noise(width, height));
    const create = vi.spyOn(Session, 'create');
    await fresh.explain(noise(160, 192));
    await fresh.explain(noise(192, 160));
    // Those that say what shapes a size has hold no weights.
    const weights = create.mock.calls.filter(([, options]) => Object.keys(options?.externalFiles ?? {}).length > 0);
    expect(weights).toHaveLength(0);
    expect(create).toHaveBeenCalled();
    await fresh.dispose();
  });

  it('keeps pictures apart whose sizes are in work at the same time', async () => {
    const images = [...SIZES, ...SIZES].map(([width, height]) => noise(width, height));
    const together = await Promise.all(images.map(image => cam.explain(image)));
    for (const [index, image] of images.entries()) {
      const alone = await cam.explain(image);
      expect(together[index]!.map.width).toBe(image.dims[3]);
      const off = alone.map.data.map((value, i) => Math.abs(value - together[index]!.map.data[i]!));
      expect(Math.max(...off)).toBeLessThan(1e-5);
    }
  });
});
